//! Mail: hands one letter to the operator's mail server. The only place that knows SMTP. Not here: which letters there are,
//! when they are tried again (`exchange::post`), what they say (`domain::notice`).

use crate::config::Mail;
use crate::domain::notice::Letter;
use chrono::{DateTime, Utc};
use lettre::address::AddressError;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, transport::smtp};
use secrecy::{ExposeSecret, SecretString};
use std::io;
use std::time::{Duration, SystemTime};
use tokio::time::timeout;

/// Hands letters to a mail server.
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    patience: Duration,
}

/// What came of handing a letter over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// The server took it.
    Taken,
    /// The server will never take it: why.
    Refused(String),
    /// The server does not take it now, or took too long over it: why.
    Later(String),
    /// There is no server to speak to, or it does not know us; other letters would fare no better: why.
    Away(String),
}

/// Why mail cannot be sent at all.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// `mail.from` is no address.
    #[error("mail.from is no mail address")]
    From(#[source] AddressError),
    /// A file cannot be read.
    #[error("{0} cannot be read")]
    File(&'static str, #[source] io::Error),
    /// The authorities cannot be used.
    #[error("mail.tls_ca_file holds no usable authority")]
    Authorities(#[source] smtp::Error),
}

/// Says to other automatic programs that nobody reads an answer (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Longest reason that is kept, in characters.
const REASON_CHARS_MAX: usize = 200;

impl Mailer {
    /// The mail server that the settings name; nothing when they name none.
    ///
    /// # Errors
    /// Settings or files that cannot be used.
    pub fn new(config: &Mail) -> Result<Option<Self>, MailerError> {
        let Some((host, port)) = config.server.rsplit_once(':') else { return Ok(None) };
        let port = port.parse().unwrap_or(smtp::SUBMISSION_PORT);
        let tls = match config.security.as_str() {
            "none" => Tls::None,
            "tls" => Tls::Wrapper(trusted(config, host)?),
            _ => Tls::Required(trusted(config, host)?),
        };
        let patience = Duration::from_secs(config.timeout_seconds);
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host);
        let mut builder = builder.port(port).tls(tls).timeout(Some(patience));
        if !config.user.is_empty() {
            let password = password(config)?.expose_secret().to_owned();
            builder = builder.credentials(Credentials::new(config.user.clone(), password));
        }
        let from = Mailbox::new(None, config.from.parse().map_err(MailerError::From)?);
        Ok(Some(Self { transport: builder.build(), from, patience }))
    }

    /// Hands a letter over. `id` makes its `Message-ID`: who gets it twice can know that.
    pub async fn send(&self, (id, address): (&str, &str), letter: &Letter, at: DateTime<Utc>) -> Handed {
        let message = match self.message((id, address), letter, at) {
            Ok(message) => message,
            Err(why) => return Handed::Refused(why),
        };
        match timeout(self.patience, self.transport.send(message)).await {
            Ok(Ok(_)) => Handed::Taken,
            Ok(Err(error)) => judged(&error),
            // Whoever listens there keeps silent: each letter would wait as long.
            Err(_) => Handed::Away("the mail server took too long".to_owned()),
        }
    }

    fn message(&self, (id, address): (&str, &str), letter: &Letter, at: DateTime<Utc>) -> Result<Message, String> {
        // Few servers take them (RFC 6531); one that does not would be taken to be away, for all.
        if !address.is_ascii() {
            return Err("the address has letters beyond ASCII".to_owned());
        }
        let to: Address = address.parse().map_err(|why: AddressError| why.to_string())?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(&*letter.subject)
            .date(SystemTime::from(at))
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()));
        message.map_err(|why| why.to_string())
    }
}

/// The first mail address in what an agency wrote of itself; nothing when there is none.
pub fn address_in(text: &str) -> Option<&str> {
    let words = text.split([' ', ',', ';', '<', '>', '\t', '\r', '\n']).filter(|word| word.contains('@'));
    words.into_iter().find(|word| word.parse::<Address>().is_ok())
}

fn trusted(config: &Mail, host: &str) -> Result<TlsParameters, MailerError> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if !config.tls_ca_file.as_os_str().is_empty() {
        let pem = std::fs::read(&config.tls_ca_file).map_err(|why| MailerError::File("mail.tls_ca_file", why))?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(MailerError::Authorities)?);
    }
    builder.build().map_err(MailerError::Authorities)
}

fn password(config: &Mail) -> Result<SecretString, MailerError> {
    if config.password_file.as_os_str().is_empty() {
        return Ok(config.password.clone());
    }
    let read = std::fs::read_to_string(&config.password_file);
    let text = read.map_err(|why| MailerError::File("mail.password_file", why))?;
    Ok(text.trim_end_matches(['\r', '\n']).into())
}

/// What an error means for this letter and for others. A server that refuses our name, or wants one, has nothing against the
/// letter.
fn judged(error: &smtp::Error) -> Handed {
    let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
    let reason = format!("{error}{cause}").chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect();
    match error.status().map(|code| code.to_string()) {
        None => Handed::Away(reason),
        Some(code) if code.starts_with("53") || code == "421" => Handed::Away(reason),
        Some(_) if error.is_permanent() => Handed::Refused(reason),
        Some(_) => Handed::Later(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agency_s_address_is_found_in_what_it_wrote() {
        for (text, found) in [
            ("vanthu@sotc.gov.vn", Some("vanthu@sotc.gov.vn")),
            ("Văn thư <vt@a.vn>; b@c.vn", Some("vt@a.vn")),
            ("không có", None),
            ("@", None),
            ("", None),
            ("a@b.vn\r\nBcc: c@d.vn", Some("a@b.vn")),
        ] {
            assert_eq!(address_in(text), found, "{text:?}");
        }
    }

    #[test]
    fn no_server_is_no_mail() {
        assert!(Mailer::new(&Mail::default()).unwrap().is_none());
    }
}
