//! The body of a request on its way in: counted, timed, and read to its end even when nobody wants it,
//! because an answer given before the body was read is lost on the way (docs/sdk.md).

use crate::config::{Packets, Server};
use crate::exchange::{BodyFault, ExchangeError};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use futures_util::stream::LocalBoxStream;
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// Most bytes of a body that is no packet: registrations, confirmations.
pub const SMALL_BODY_BYTES_MAX: u64 = 65_536;

/// How many times the largest packet is read and thrown away before the connection is closed instead.
const DRAIN_FACTOR: u64 = 4;

/// What a body may cost.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Bytes handed on; a longer body is read on and reported as too large.
    pub bytes_max: u64,
    /// Bytes read at all.
    pub drain_max: u64,
    /// Longest silence.
    pub silence: Duration,
    /// Slowest average in bytes per second, once `silence` has been spent waiting.
    pub rate_min: u64,
}

impl BodyLimits {
    /// The limits of a request before it is known what it asks for.
    pub fn of(server: &Server, packets: &Packets) -> Self {
        Self {
            bytes_max: SMALL_BODY_BYTES_MAX,
            drain_max: packets.bytes_max.saturating_mul(DRAIN_FACTOR),
            silence: Duration::from_secs(server.body_silence_seconds),
            rate_min: server.body_rate_min,
        }
    }
}

/// A body being read. As a stream it gives its bytes, and ends in the fault that stopped it.
pub struct Body {
    payload: LocalBoxStream<'static, Result<Bytes, BodyFault>>,
    limits: BodyLimits,
    taken: u64,
    ended: bool,
    fault: Option<BodyFault>,
    waited: Duration,
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Body {
    /// A body of these bytes; any error of theirs means that the rest will not come.
    pub fn new<E>(payload: impl Stream<Item = Result<Bytes, E>> + 'static, limits: BodyLimits) -> Self {
        let payload = payload.map(|chunk| chunk.map_err(|_| BodyFault::Cut)).boxed_local();
        Self { payload, limits, taken: 0, ended: false, fault: None, waited: Duration::ZERO, waiting: None }
    }

    /// Allows as many bytes as a packet by this door may have.
    pub fn allow(&mut self, bytes_max: u64) {
        self.limits.bytes_max = bytes_max;
    }

    /// Reads what is left and throws it away. Whether the end was reached.
    pub async fn drain(&mut self) -> bool {
        self.limits.bytes_max = 0;
        while self.next().await.is_some() {}
        match self.fault {
            None => true,
            Some(BodyFault::TooLarge) => self.taken <= self.limits.drain_max,
            Some(BodyFault::TooSlow | BodyFault::Cut) => false,
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// `Body`, with the fault that stopped it.
    pub async fn whole(&mut self) -> Result<Vec<u8>, ExchangeError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.next().await {
            bytes.extend_from_slice(&chunk.map_err(ExchangeError::Body)?);
        }
        Ok(bytes)
    }

    /// Ends the stream with a fault.
    fn fail(&mut self, fault: BodyFault) -> Poll<Option<Result<Bytes, BodyFault>>> {
        self.ended = true;
        self.fault = Some(fault);
        Poll::Ready(Some(Err(fault)))
    }

    /// Notes that bytes came, after how long a wait.
    fn heard(&mut self, bytes: usize) {
        self.taken = self.taken.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if let Some((since, _)) = self.waiting.take() {
            self.waited = self.waited.saturating_add(since.elapsed());
        }
    }

    /// Whether the sender was too slow so far. Only time spent waiting for it counts, not the hub's own.
    fn is_too_slow(&self) -> bool {
        let due = self.limits.rate_min.saturating_mul(self.waited.as_secs());
        self.waited > self.limits.silence && self.taken < due
    }
}

impl Stream for Body {
    type Item = Result<Bytes, BodyFault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        loop {
            match self.payload.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(chunk))) => {
                    self.heard(chunk.len());
                    if self.is_too_slow() {
                        return self.fail(BodyFault::TooSlow);
                    }
                    if self.taken > self.limits.drain_max {
                        return self.fail(BodyFault::TooLarge);
                    }
                    if self.taken <= self.limits.bytes_max {
                        return Poll::Ready(Some(Ok(chunk)));
                    }
                }
                Poll::Ready(Some(Err(fault))) => return self.fail(fault),
                Poll::Ready(None) if self.taken > self.limits.bytes_max => return self.fail(BodyFault::TooLarge),
                Poll::Ready(None) => {
                    self.ended = true;
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    let silence = self.limits.silence;
                    let (_, timer) =
                        self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(tokio::time::sleep(silence))));
                    return match timer.as_mut().poll(cx) {
                        Poll::Ready(()) => self.fail(BodyFault::TooSlow),
                        Poll::Pending => Poll::Pending,
                    };
                }
            }
        }
    }
}

/// An answer that goes out while its request's body was not read to the end. The rest of the body is kept
/// until the answer has left: dropped before, actix would go on reading an endless chunked one.
pub struct Held {
    answer: BoxBody,
    _rest: Body,
}

impl Held {
    /// This answer, and the body that was given up.
    pub fn new(answer: BoxBody, rest: Body) -> Self {
        Self { answer, _rest: rest }
    }
}

impl MessageBody for Held {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use std::io::{Error, ErrorKind};

    const LIMITS: BodyLimits =
        BodyLimits { bytes_max: 8, drain_max: 32, silence: Duration::from_millis(5), rate_min: 1 };

    fn of(sizes: &[usize]) -> Body {
        let chunks: Vec<_> = sizes.iter().map(|n| Ok::<_, Error>(Bytes::from(vec![b'x'; *n]))).collect();
        Body::new(stream::iter(chunks), LIMITS)
    }

    async fn outcome(mut body: Body) -> (usize, Option<BodyFault>) {
        let mut bytes = 0;
        while let Some(item) = body.next().await {
            match item {
                Ok(chunk) => bytes += chunk.len(),
                Err(fault) => return (bytes, Some(fault)),
            }
        }
        (bytes, None)
    }

    #[tokio::test]
    async fn a_body_up_to_the_limit_passes_whole() {
        assert_eq!(outcome(of(&[])).await, (0, None));
        assert_eq!(outcome(of(&[3, 5])).await, (8, None));
    }

    #[tokio::test]
    async fn a_longer_body_is_read_to_its_end_before_it_is_refused() {
        let mut body = of(&[3, 5, 1, 7]);
        while let Some(Ok(_)) = body.next().await {}
        assert_eq!(body.taken, 16);
        assert_eq!(outcome(of(&[3, 5, 1, 7])).await, (8, Some(BodyFault::TooLarge)));
    }

    #[tokio::test]
    async fn reading_on_has_a_bound_too() {
        let mut body = of(&[20, 20, 20]);
        assert!(!body.drain().await);
        assert_eq!(body.taken, 40);
        assert!(of(&[20, 10]).drain().await);
    }

    #[tokio::test]
    async fn a_silent_sender_is_given_up() {
        let silent = stream::pending::<Result<Bytes, Error>>();
        assert_eq!(outcome(Body::new(silent, LIMITS)).await, (0, Some(BodyFault::TooSlow)));
    }

    #[test]
    fn a_dripping_sender_is_too_slow_only_by_the_time_it_was_waited_for() {
        let mut body = of(&[]);
        body.limits.rate_min = 1000;
        body.taken = 9_999;
        body.waited = Duration::from_secs(10);
        assert!(body.is_too_slow());
        body.taken = 10_000;
        assert!(!body.is_too_slow());
    }

    #[tokio::test]
    async fn a_broken_connection_is_a_cut_body() {
        let broken = stream::iter([Ok(Bytes::from_static(b"ab")), Err(Error::from(ErrorKind::ConnectionReset))]);
        assert_eq!(outcome(Body::new(broken, LIMITS)).await, (2, Some(BodyFault::Cut)));
    }
}
