//! A robot document system: what a DMS does with the hub, over real HTTP. Which of the two APIs it speaks
//! is decided once, here. Not here: what it does when (`story`).

use super::native::Native;
use super::sdk::Sdk;
use anyhow::bail;
use std::time::Duration;

/// The two kinds of packet, as mailboxes tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A document.
    Document,
    /// A status packet.
    Status,
}

/// The hub's answer to a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The hub's id; empty when refused.
    pub id: String,
    /// Numeric class of a refusal; 0 when accepted.
    pub code: String,
    /// The hub's words.
    pub words: String,
}

/// How a robot reaches the hub.
#[derive(Debug)]
enum Door {
    Sdk(Sdk),
    Native(Native),
}

/// A document system.
#[derive(Debug)]
pub struct Robot {
    /// Its id.
    pub system_id: &'static str,
    /// The agency that it speaks for.
    pub agency: &'static str,
    door: Door,
}

impl Robot {
    /// A system with the vendor's SDK: only the URL was changed.
    pub fn with_sdk(system_id: &'static str, agency: &'static str, url: &str, secret: &str) -> anyhow::Result<Self> {
        let sdk = Sdk::new(client()?, url, system_id, secret);
        Ok(Self { system_id, agency, door: Door::Sdk(sdk) })
    }

    /// A system that speaks the native API.
    pub fn native(system_id: &'static str, agency: &'static str, url: &str, token: &str) -> anyhow::Result<Self> {
        Ok(Self { system_id, agency, door: Door::Native(Native::new(client()?, url, token)) })
    }

    /// Sends a packet.
    pub async fn send(&self, packet: &str, kind: Kind) -> anyhow::Result<Answer> {
        match &self.door {
            Door::Sdk(sdk) => sdk.send(self.agency, packet, kind).await,
            Door::Native(native) => native.send(packet).await,
        }
    }

    /// Ids of what waits for this system.
    pub async fn waiting(&self, kind: Kind) -> anyhow::Result<Vec<String>> {
        match &self.door {
            Door::Sdk(sdk) => sdk.waiting(kind).await,
            Door::Native(native) => native.waiting(kind).await,
        }
    }

    /// Fetches one packet.
    pub async fn fetch(&self, id: &str) -> anyhow::Result<Vec<u8>> {
        match &self.door {
            Door::Sdk(sdk) => sdk.fetch(id).await,
            Door::Native(native) => native.fetch(id).await,
        }
    }

    /// Says that a packet is stored.
    pub async fn confirm(&self, id: &str) -> anyhow::Result<()> {
        match &self.door {
            Door::Sdk(sdk) => sdk.confirm(id).await,
            Door::Native(native) => native.confirm(id).await,
        }
    }

    /// Fetches and confirms all that waits, as every DMS does at each of its polls.
    pub async fn take_all(&self, kind: Kind) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut taken = Vec::new();
        // A page may not hold everything; a bound keeps a hub that never empties from holding us for ever.
        for _ in 0..100 {
            let page = self.waiting(kind).await?;
            if page.is_empty() {
                return Ok(taken);
            }
            for id in page {
                taken.push(self.fetch(&id).await?);
                self.confirm(&id).await?;
            }
        }
        bail!("hộp thư của {} không vơi đi sau khi đã xác nhận", self.system_id)
    }
}

pub fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[tokio::test]
    async fn a_hub_that_is_not_there_is_told_in_words() {
        crate::use_aws_lc();
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let robot = Robot::native("dms.one", "X99.A01", &format!("http://{free}"), "token").unwrap();

        let error = robot.waiting(Kind::Status).await.unwrap_err();

        assert!(error.to_string().starts_with("không kết nối được tới trục"), "{error:#}");
    }
}
