//! Signing in to the portal by an identity provider: a real one, which runs beside the hub.

use crate::support::TestHub;
use crate::support::portal::{Browser, let_in};
use crate::support::provider::{IdentityProvider, PUBLIC, with_providers};
use docaxis::domain::user::UserRole;
use docaxis::exchange::ExchangeError;
use docaxis::exchange::act::By;
use docaxis::exchange::identity::{self, ProviderEntry, Vouching};
use docaxis::exchange::users;
use serde_json::json;

const WAY: &str = "__Host-docaxis-identity";

async fn hub() -> TestHub {
    TestHub::start_with(with_providers).await
}

/// A hub whose clerk `lan.vp` is `sub-lan` for the provider, who shows two factors there.
async fn linked(provider: &IdentityProvider) -> TestHub {
    let hub = hub().await;
    identity::set(&hub.hub, &By::Operator, provider.entry()).await.unwrap();
    let_in(&hub, "lan.vp", UserRole::Clerk, &["X99.B02"]).await;
    identity::link_by(&hub.hub, &By::Operator, ("tinh", "sub-lan"), "lan.vp").await.unwrap();
    provider.know("sub-lan", json!({ "amr": ["pwd", "otp"] })).await;
    hub
}

/// The path and query here of where the provider sends people back to.
fn here(back: &str) -> &str {
    back.strip_prefix(PUBLIC).unwrap()
}

/// Goes to the provider by the page that asks who it is, and says there who it is. Where it is sent back to.
async fn to_provider_and_back(browser: &mut Browser<'_>, provider: &IdentityProvider, subject: &str) -> String {
    let way = browser.get("/portal/sign-in/tinh?next=%2Fportal%2Faccount").await.leads_to().to_owned();
    provider.agree(&way, subject).await
}

#[tokio::test]
async fn whoever_is_known_to_a_provider_is_let_in_without_a_password() {
    let provider = IdentityProvider::start().await;
    let hub = linked(&provider).await;
    let mut browser = Browser::new(&hub);

    browser.get("/portal/sign-in?next=/portal/account").await;
    assert!(browser.page.words().contains("Hoặc đăng nhập bằng Cổng định danh tỉnh"), "{}", browser.page.words());
    let back = to_provider_and_back(&mut browser, &provider, "sub-lan").await;
    let page = browser.get(here(&back)).await;

    assert_eq!((page.status, page.leads_to()), (303, "/portal/account"));
    // Neither a first password nor a second factor of the hub stands in the way.
    let log = browser.get("/portal/log").await;
    assert_eq!(log.status, 200, "{}", log.words());
    let used = browser.get(here(&back)).await;
    assert!(used.words().contains("không xác nhận lần đăng nhập này"), "a way is gone once: {}", used.words());
}

#[tokio::test]
async fn what_another_browser_began_is_of_no_use() {
    let provider = IdentityProvider::start().await;
    let hub = linked(&provider).await;
    let (mut attacker, mut victim) = (Browser::new(&hub), Browser::new(&hub));

    let back = to_provider_and_back(&mut attacker, &provider, "sub-lan").await;
    for token in ["", ".", "x.", "made-up.%2Fportal%2Flog"] {
        victim.carry(WAY, token);
        let page = victim.get(here(&back)).await;
        assert_eq!(page.status, 200, "{token:?}");
        assert!(page.words().contains("không xác nhận lần đăng nhập này"), "{}", page.words());
        assert_eq!(victim.cookie("__Host-docaxis-session"), None);
    }
    // Its own way with somebody else's code: the provider signed another nonce.
    let own = to_provider_and_back(&mut victim, &provider, "sub-lan").await;
    let code = |place: &str| place.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let mixed = own.replace(&code(&own), &code(&back));
    let page = victim.get(here(&mixed)).await;
    assert!(page.words().contains("không xác nhận lần đăng nhập này"), "{}", page.words());
}

#[tokio::test]
async fn one_factor_is_too_little_unless_an_operator_trusts_the_provider() {
    let provider = IdentityProvider::start().await;
    let hub = linked(&provider).await;
    provider.know("sub-lan", json!({ "amr": ["pwd"] })).await;
    let mut browser = Browser::new(&hub);

    let back = to_provider_and_back(&mut browser, &provider, "sub-lan").await;
    let words = browser.get(here(&back)).await.words();
    assert!(words.contains("không cho biết đã xác thực hai lớp"), "{words}");

    let trusted = ProviderEntry { vouching: Vouching::Trusted, ..provider.entry() };
    identity::set(&hub.hub, &By::Operator, trusted).await.unwrap();
    let back = to_provider_and_back(&mut browser, &provider, "sub-lan").await;
    assert_eq!(browser.get(here(&back)).await.leads_to(), "/portal/account");
}

#[tokio::test]
async fn whoever_is_nobody_here_suspended_or_of_another_agency_stays_out() {
    let provider = IdentityProvider::start().await;
    let hub = linked(&provider).await;
    provider.know("sub-stranger", json!({ "amr": ["mfa"] })).await;
    let unlinked = "chưa được liên kết với tài khoản nào ở đây";
    let mut browser = Browser::new(&hub);

    let back = to_provider_and_back(&mut browser, &provider, "sub-stranger").await;
    assert!(browser.get(here(&back)).await.words().contains(unlinked));

    users::suspend(&hub.hub, &By::Operator, "lan.vp", true).await.unwrap();
    let back = to_provider_and_back(&mut browser, &provider, "sub-lan").await;
    assert!(browser.get(here(&back)).await.words().contains(unlinked));
    users::suspend(&hub.hub, &By::Operator, "lan.vp", false).await.unwrap();

    let of_another = ProviderEntry { agency: Some("X99.A01".to_owned()), ..provider.entry() };
    identity::set(&hub.hub, &By::Operator, of_another).await.unwrap();
    let back = to_provider_and_back(&mut browser, &provider, "sub-lan").await;
    assert!(browser.get(here(&back)).await.words().contains(unlinked));

    identity::suspend(&hub.hub, &By::Operator, "tinh", true).await.unwrap();
    assert_eq!(browser.get("/portal/sign-in/tinh").await.status, 404);
    assert!(!browser.get("/portal/sign-in").await.words().contains("Hoặc đăng nhập bằng"));
}

#[tokio::test]
async fn suspending_a_provider_ends_the_sessions_that_it_opened_and_no_other() {
    let provider = IdentityProvider::start().await;
    let hub = linked(&provider).await;
    let mut browser = Browser::new(&hub);
    let back = to_provider_and_back(&mut browser, &provider, "sub-lan").await;
    browser.get(here(&back)).await;
    assert_eq!(browser.get("/portal/log").await.status, 200);
    let mut other = Browser::of(&hub, "an.vt", UserRole::Clerk, &["X99.B02"]).await;
    assert_eq!(other.get("/portal/account").await.status, 200);

    identity::suspend(&hub.hub, &By::Operator, "tinh", true).await.unwrap();

    assert!(browser.get("/portal/log").await.leads_to().starts_with("/portal/sign-in"));
    assert_eq!(other.get("/portal/account").await.status, 200, "it came in by password");
    let last = hub.evidence().await.into_iter().rfind(|row| row.event == "docaxis:IdentityProviderChanged").unwrap();
    assert!(
        last.facts.contains("\"act\":\"suspend\"") && last.facts.contains("\"sessions_ended\":1"),
        "{}",
        last.facts
    );
    identity::suspend(&hub.hub, &By::Operator, "tinh", false).await.unwrap();
    assert!(browser.get("/portal/log").await.leads_to().starts_with("/portal/sign-in"), "what is over is over");
}

#[tokio::test]
async fn people_link_and_unlink_themselves_and_no_other_site_does() {
    let provider = IdentityProvider::start().await;
    let hub = TestHub::start_with(|config| {
        with_providers(config);
        config.portal.second_factor = false;
    })
    .await;
    identity::set(&hub.hub, &By::Operator, ProviderEntry { vouching: Vouching::Trusted, ..provider.entry() })
        .await
        .unwrap();
    provider.know("sub-an", json!({})).await;
    let mut browser = Browser::of(&hub, "an.vt", UserRole::Clerk, &["X99.B02"]).await;

    let forged = browser.send_bare("/portal/account/providers", &[("provider", "tinh"), ("step", "link")]).await;
    assert_eq!(forged.status, 403);
    browser.get("/portal/account").await;
    browser.send("/portal/account/providers", &[("provider", "tinh"), ("step", "link")]).await;
    let way = browser.page.text.split("<a href=\"").find(|part| part.starts_with(&provider.issuer)).unwrap();
    let way = way.split('"').next().unwrap().replace("&#38;", "&");
    let back = provider.agree(&way, "sub-an").await;
    assert_eq!(browser.get(here(&back)).await.leads_to(), "/portal/account?done=linked");

    let mut again = Browser::new(&hub);
    let back = to_provider_and_back(&mut again, &provider, "sub-an").await;
    assert_eq!(again.get(here(&back)).await.leads_to(), "/portal/account");
    assert_eq!(again.get("/portal/log").await.status, 200);

    browser.get("/portal/account").await;
    browser.send("/portal/account/providers", &[("provider", "tinh"), ("step", "forget")]).await;
    assert_eq!(again.get("/portal/log").await.status, 303, "a session that the provider opened is over");
    let back = to_provider_and_back(&mut again, &provider, "sub-an").await;
    assert!(again.get(here(&back)).await.words().contains("chưa được liên kết"));

    let acts: Vec<String> = hub.evidence().await.into_iter().map(|row| row.facts).collect();
    for act in ["\"act\":\"set\"", "\"act\":\"link\"", "\"act\":\"unlink\""] {
        assert!(acts.iter().any(|facts| facts.contains(act) && facts.contains("tinh")), "{act}: {acts:?}");
    }
    assert!(acts.iter().all(|facts| !facts.contains("sub-an")), "who somebody is elsewhere is not told in evidence");
}

#[tokio::test]
async fn a_provider_at_another_issuer_lets_in_nobody_who_was_linked_before() {
    let (provider, other) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let hub = linked(&provider).await;
    other.know("sub-lan", json!({ "amr": ["pwd", "otp"] })).await;
    let moved = ProviderEntry { issuer: other.issuer.clone(), ..provider.entry() };

    let refused = identity::set(&hub.hub, &By::Operator, moved.clone()).await;
    assert!(
        matches!(&refused, Err(ExchangeError::Malformed(words)) if words.en.contains("old address")),
        "{refused:?}"
    );
    let again = ProviderEntry { name: "Cổng mới".to_owned(), ..provider.entry() };
    identity::set(&hub.hub, &By::Operator, again).await.unwrap();
    let mut browser = Browser::new(&hub);
    let back = to_provider_and_back(&mut browser, &provider, "sub-lan").await;
    assert_eq!(browser.get(here(&back)).await.leads_to(), "/portal/account", "the same issuer keeps its links");

    identity::unlink(&hub.hub, &By::Operator, "tinh", "lan.vp").await.unwrap();
    identity::set(&hub.hub, &By::Operator, moved).await.unwrap();
    let mut stranger = Browser::new(&hub);
    let back = to_provider_and_back(&mut stranger, &other, "sub-lan").await;
    assert!(stranger.get(here(&back)).await.words().contains("chưa được liên kết"), "the same subject elsewhere");
}

#[tokio::test]
async fn a_password_that_is_reset_ends_every_link_to_providers() {
    let provider = IdentityProvider::start().await;
    let hub = linked(&provider).await;
    let mut browser = Browser::new(&hub);
    let back = to_provider_and_back(&mut browser, &provider, "sub-lan").await;
    browser.get(here(&back)).await;
    assert_eq!(browser.get("/portal/log").await.status, 200);

    hub.program().done(&["user", "reset", "lan.vp"]);

    assert_eq!(browser.get("/portal/log").await.status, 303, "its sessions are over");
    assert_eq!(hub.count("SELECT count(*) FROM user_identities").await, 0);
    let back = to_provider_and_back(&mut browser, &provider, "sub-lan").await;
    assert!(browser.get(here(&back)).await.words().contains("chưa được liên kết"));
    let told = hub.evidence().await.into_iter().rfind(|row| row.event == "docaxis:UserChanged").unwrap();
    assert!(told.facts.contains("\"providers\":1"), "{}", told.facts);
}

#[tokio::test]
async fn a_provider_is_asked_what_it_is_before_anybody_is_sent_there() {
    let provider = IdentityProvider::start().await;
    let hub = hub().await;

    let wrong = [
        ProviderEntry { issuer: format!("{}/other", provider.issuer), ..provider.entry() },
        ProviderEntry { issuer: "https://169.254.169.254".to_owned(), ..provider.entry() },
        ProviderEntry { issuer: "nothing".to_owned(), ..provider.entry() },
        ProviderEntry { provider_id: "A/B".to_owned(), ..provider.entry() },
        ProviderEntry { agency: Some("nobody".to_owned()), ..provider.entry() },
    ];
    for entry in wrong {
        let set = identity::set(&hub.hub, &By::Operator, entry.clone()).await;
        assert!(matches!(set, Err(ExchangeError::Malformed(_))), "{entry:?}: {set:?}");
    }
    assert!(identity::list(&hub.hub).await.unwrap().is_empty());
}
