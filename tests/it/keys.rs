//! Keys of systems: how many, how long, and who gets in.

use crate::support::TestHub;
use chrono::TimeDelta;
use docaxis::exchange::act::By;
use docaxis::exchange::{ExchangeError, keys, systems};
use secrecy::ExposeSecret;

/// How a look at the mailbox with that token is answered.
async fn status_with(hub: &TestHub, token: &str) -> u16 {
    hub.client.get(hub.url("/api/v1/mailbox")).bearer_auth(token).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_system_has_two_live_keys_and_no_third() {
    let hub = TestHub::start().await;
    let second = keys::add_key(&hub.hub, &By::Operator, "dms.national", None).await.unwrap();

    let third = keys::add_key(&hub.hub, &By::Operator, "dms.national", None).await;

    assert!(matches!(third, Err(ExchangeError::Exists(_))), "{third:?}");
    let token = format!("{}.{}", second.key_id, second.secret.expose_secret());
    assert_eq!(
        (status_with(&hub, &token).await, status_with(&hub, &hub.system("dms.national").bearer()).await),
        (200, 200)
    );
}

#[tokio::test]
async fn a_revoked_key_makes_room_for_another() {
    let hub = TestHub::start().await;
    keys::add_key(&hub.hub, &By::Operator, "dms.national", None).await.unwrap();

    keys::revoke_key(&hub.hub, &By::Operator, &hub.system("dms.national").key_id).await.unwrap();

    assert!(keys::add_key(&hub.hub, &By::Operator, "dms.national", None).await.is_ok());
}

#[tokio::test]
async fn a_revoked_key_dies_within_the_memory_of_a_node() {
    let hub = TestHub::start().await;
    let system = hub.system("dms.national");
    assert_eq!(status_with(&hub, &system.bearer()).await, 200);
    keys::revoke_key(&hub.hub, &By::Operator, &system.key_id).await.unwrap();

    hub.after(TimeDelta::seconds(hub.hub.config.keys.memory_seconds as i64));

    assert_eq!(status_with(&hub, &system.bearer()).await, 401);
}

#[tokio::test]
async fn a_key_ends_with_its_life_even_when_it_is_remembered() {
    let hub = TestHub::start().await;
    let bearer = hub.system("dms.national").bearer();
    let life = TimeDelta::days(hub.hub.config.keys.life_days as i64);
    hub.after(life - TimeDelta::microseconds(1));
    assert_eq!(status_with(&hub, &bearer).await, 200);

    hub.after(TimeDelta::microseconds(1));

    assert_eq!(status_with(&hub, &bearer).await, 401);
}

#[tokio::test]
async fn the_list_of_keys_shows_no_secret() {
    let hub = TestHub::start().await;

    let list = format!("{:?}", systems::systems(&hub.hub).await.unwrap());

    let system = hub.system("dms.national");
    assert!(list.contains(&system.key_id), "{list}");
    assert!(!list.contains(&system.secret), "{list}");
}

#[tokio::test]
async fn the_database_holds_no_secret() {
    let hub = TestHub::start().await;
    let system = hub.system("dms.national");

    let found = match hub.is_postgres() {
        true => {
            let cast =
                "(SELECT string_agg(encode(secret_sealed, 'escape') || key_id || system_id, ' ') FROM system_keys)";
            let holds = |text: &str| format!("SELECT CASE WHEN position('{text}' in {cast}) > 0 THEN 1 ELSE 0 END");
            (hub.count(&holds(&system.key_id)).await == 1, hub.count(&holds(&system.secret)).await == 1)
        }
        false => (hub.is_on_disk(system.key_id.as_bytes()), hub.is_on_disk(system.secret.as_bytes())),
    };

    assert_eq!(found, (true, false), "the id of the key, its secret");
}

#[tokio::test]
async fn only_the_right_secret_of_the_right_key_opens() {
    let hub = TestHub::start().await;
    let (own, other) = (hub.system("dms.national"), hub.system("dms.province"));
    let strange = [
        format!("{}.{}", own.key_id, "x".repeat(own.secret.len())),
        format!("{}.{}", own.key_id, other.secret),
        format!("{}.{}", "0".repeat(32), own.secret),
        format!("{}.", own.key_id),
        own.secret.clone(),
        String::new(),
    ];

    let mut statuses = Vec::new();
    for token in &strange {
        statuses.push(status_with(&hub, token).await);
    }

    assert_eq!(statuses, [401; 6]);
}

#[tokio::test]
async fn who_shows_no_key_is_told_how_to() {
    let hub = TestHub::start().await;

    let response = hub.client.get(hub.url("/api/v1/mailbox")).send().await.unwrap();

    assert_eq!((response.status().as_u16(), response.headers()["www-authenticate"].to_str().unwrap()), (401, "Bearer"));
}
