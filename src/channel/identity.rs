//! Identity providers (OpenID Connect Core 1.0, Discovery 1.0, RFC 7636): what one says of itself, where a person is sent, and what
//! it vouches for afterwards. Only the code flow, always with a secret of the way (PKCE). Not here: who that is in this hub
//! (`exchange::identity`).

use super::push::Pusher;
use chrono::{DateTime, Utc};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdTokenVerifier, CoreJsonWebKeySet, CoreJwsSigningAlgorithm,
    CoreProviderMetadata,
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest,
    IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, TokenResponse,
};
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
use std::iter::successors;

/// What signs for a provider: its own key, and no secret that both know.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// What a provider says of how somebody showed who it is when more than a password was used (RFC 8176).
const STRONG: [&str; 5] = ["mfa", "otp", "hwk", "swk", "sc"];

/// A provider, and this hub as its client.
#[derive(Debug, Clone)]
pub struct Provider {
    /// What it says of itself, as `discover` gave it.
    pub discovered: String,
    /// What it calls this hub.
    pub client_id: String,
    /// The secret of this hub there.
    pub client_secret: Option<SecretString>,
    /// Where it sends people back to.
    pub back: String,
}

/// What ties what comes back to what was asked.
#[derive(Debug, Clone)]
pub struct Journey {
    /// Comes back beside the code.
    pub state: SecretString,
    /// Comes back within what is signed.
    pub nonce: SecretString,
    /// Shown when the code is handed in.
    pub verifier: SecretString,
}

/// What a provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// Who it is there.
    pub subject: String,
    /// Whether more than a password was used.
    pub is_strong: bool,
}

/// Why a provider vouches for nobody.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It cannot be asked, or its answer is of no use. Worth trying again.
    #[error("the identity provider gave no answer of use: {0}")]
    Unanswered(String),
    /// What it says, or what is said in its name, does not hold.
    #[error("what the identity provider says does not hold: {0}")]
    Unsound(String),
}

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

fn unanswered(error: &dyn Error) -> IdentityError {
    IdentityError::Unanswered(chain(error))
}

fn unsound(error: &dyn Error) -> IdentityError {
    IdentityError::Unsound(chain(error))
}

/// An error with its causes: one line, which names no secret.
fn chain(error: &dyn Error) -> String {
    let causes = successors(Some(error), |error: &&dyn Error| (*error).source()).map(ToString::to_string);
    causes.collect::<Vec<_>>().join(": ").chars().filter(|c| !c.is_control()).take(300).collect()
}

/// What the provider of that address says of itself: JSON, to be kept.
///
/// # Errors
/// Both of `IdentityError`.
pub async fn discover(pusher: &Pusher, issuer: &str) -> Result<String, IdentityError> {
    let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|error| unsound(&error))?;
    let ask = |request: HttpRequest| pusher.carry(request);
    let found = CoreProviderMetadata::discover_async(issuer, &ask).await.map_err(|error| unanswered(&error))?;
    let own = found.authorization_endpoint().as_str();
    if !pusher.is_called(own) || found.token_endpoint().is_none_or(|url| !pusher.is_called(url.as_str())) {
        return Err(IdentityError::Unsound("its addresses are not called".to_owned()));
    }
    serde_json::to_string(&found).map_err(|error| unsound(&error))
}

impl Provider {
    fn metadata(&self) -> Result<CoreProviderMetadata, IdentityError> {
        serde_json::from_str(&self.discovered).map_err(|error| unsound(&error))
    }

    fn client(&self, metadata: CoreProviderMetadata) -> Result<Client, IdentityError> {
        let secret = self.client_secret.as_ref().map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let back = RedirectUrl::new(self.back.clone()).map_err(|error| unsound(&error))?;
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(self.client_id.clone()), secret);
        Ok(client.set_redirect_uri(back))
    }

    /// Where a person is sent to say who it is.
    ///
    /// # Errors
    /// `Unsound` when what was discovered cannot be read.
    pub fn leads_to(&self, journey: &Journey) -> Result<String, IdentityError> {
        let text = |secret: &SecretString| secret.expose_secret().to_owned();
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(text(&journey.verifier)));
        let (state, nonce) = (CsrfToken::new(text(&journey.state)), Nonce::new(text(&journey.nonce)));
        let client = self.client(self.metadata()?)?;
        let way = client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, || state, || nonce);
        let (url, _, _) = way.set_pkce_challenge(challenge).url();
        Ok(url.into())
    }

    /// Hands in the code that a person brought back, and reads whom the provider vouches for.
    ///
    /// # Errors
    /// Both of `IdentityError`.
    pub async fn vouched(
        &self,
        pusher: &Pusher,
        journey: &Journey,
        (code, now): (&str, DateTime<Utc>),
    ) -> Result<Vouched, IdentityError> {
        let ask = |request: HttpRequest| pusher.carry(request);
        let metadata = self.metadata()?;
        let keys =
            CoreJsonWebKeySet::fetch_async(metadata.jwks_uri(), &ask).await.map_err(|error| unanswered(&error))?;
        let client = self.client(metadata.set_jwks(keys))?;
        let asked = client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(|error| unsound(&error))?;
        let asked = asked.set_pkce_verifier(PkceCodeVerifier::new(journey.verifier.expose_secret().to_owned()));
        let answer = asked.request_async(&ask).await.map_err(|error| unanswered(&error))?;
        let Some(token) = answer.id_token() else {
            return Err(IdentityError::Unsound("no ID token".to_owned()));
        };
        let verifier: CoreIdTokenVerifier<'_> = client.id_token_verifier();
        let verifier = verifier.set_allowed_algs(SIGNATURES).set_time_fn(|| now);
        let nonce = Nonce::new(journey.nonce.expose_secret().to_owned());
        let claims = token.claims(&verifier, &nonce).map_err(|error| unsound(&error))?;
        let is_strong =
            claims.auth_method_refs().is_some_and(|methods| methods.iter().any(|m| STRONG.contains(&m.as_str())));
        Ok(Vouched { subject: claims.subject().to_string(), is_strong })
    }
}
