//! An agency's software that takes pushed packets: the robot agency of the program, on a free port.

pub use docaxis::robot::{Manner, Pushed};
use std::ops::{Deref, DerefMut};
use std::time::Duration;

pub struct Robot(docaxis::robot::Robot);

impl Robot {
    /// A robot that answers in these manners, one packet after the other, and 200 afterwards.
    pub fn start(manners: Vec<Manner>) -> Self {
        Self(docaxis::robot::Robot::start("127.0.0.1:0", manners).unwrap())
    }

    /// A robot with a certificate that nobody should trust.
    pub fn start_behind_wrong_certificate() -> Self {
        Self(docaxis::robot::Robot::start_behind_wrong_certificate("127.0.0.1:0", Vec::new()).unwrap())
    }

    /// The next packet that it is sent.
    pub async fn next(&mut self) -> Pushed {
        tokio::time::timeout(Duration::from_secs(30), self.0.next()).await.expect("nothing was pushed").unwrap()
    }
}

impl Deref for Robot {
    type Target = docaxis::robot::Robot;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Robot {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
