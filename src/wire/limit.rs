//! A guard between the bytes and the XML reader: no single token may take more than its budget, and a few
//! bytes can be looked at before they are taken, however small the pieces in which they arrive.

use std::io::{self, BufRead, ErrorKind, Read};

/// Bytes with a budget that has to be renewed before each token.
pub struct Limited<R> {
    inner: R,
    /// Bytes taken from `inner` by `starts_with` and not yet handed on, from `at`.
    head: Vec<u8>,
    at: usize,
    budget: usize,
    exceeded: bool,
}

impl<R: BufRead> Limited<R> {
    /// Guards `inner`; nothing can be read before `renew` or `lift`.
    pub fn new(inner: R) -> Self {
        Self { inner, head: Vec::new(), at: 0, budget: 0, exceeded: false }
    }

    /// Allows one token of that many bytes; the byte behind it may be seen too.
    pub fn renew(&mut self, token_bytes_max: usize) {
        self.budget = token_bytes_max.saturating_add(1);
    }

    /// Allows any number of bytes: attachment content is not kept and needs no budget.
    pub fn lift(&mut self) {
        self.budget = usize::MAX;
    }

    /// Whether a token was larger than its budget.
    pub fn exceeded(&self) -> bool {
        self.exceeded
    }

    /// Whether the next bytes are these. Takes nothing.
    ///
    /// # Errors
    /// Those of the bytes themselves.
    pub fn starts_with(&mut self, wanted: &[u8]) -> io::Result<bool> {
        self.head.drain(..self.at);
        self.at = 0;
        while self.head.len() < wanted.len() {
            let available = filled(&mut self.inner)?;
            let taken = available.len().min(wanted.len().saturating_sub(self.head.len()));
            if taken == 0 {
                break;
            }
            self.head.extend(available.iter().take(taken));
            self.inner.consume(taken);
        }
        Ok(self.head.starts_with(wanted))
    }

    /// Whether nothing is left.
    ///
    /// # Errors
    /// Those of the bytes themselves.
    pub fn at_end(&mut self) -> io::Result<bool> {
        Ok(self.head.len() == self.at && filled(&mut self.inner)?.is_empty())
    }

    /// Reads everything that is left and throws it away.
    ///
    /// # Errors
    /// Those of the bytes themselves.
    pub fn drain(mut self) -> io::Result<()> {
        loop {
            let left = filled(&mut self.inner)?.len();
            if left == 0 {
                return Ok(());
            }
            self.inner.consume(left);
        }
    }
}

/// What `inner` has, trying again when interrupted.
fn filled<R: BufRead>(inner: &mut R) -> io::Result<&[u8]> {
    while let Err(error) = inner.fill_buf() {
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
    inner.fill_buf()
}

impl<R: BufRead> BufRead for Limited<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.budget == 0 {
            self.exceeded = true;
            return Err(io::Error::other("token budget exceeded"));
        }
        let available = match self.head.get(self.at..) {
            Some(head) if !head.is_empty() => head,
            _ => self.inner.fill_buf()?,
        };
        Ok(available.get(..self.budget).unwrap_or(available))
    }

    fn consume(&mut self, amount: usize) {
        self.budget = self.budget.saturating_sub(amount);
        if self.at < self.head.len() {
            self.at = self.at.saturating_add(amount).min(self.head.len());
        } else {
            self.inner.consume(amount);
        }
    }
}

impl<R: BufRead> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let taken = self.fill_buf()?.read(into)?;
        self.consume(taken);
        Ok(taken)
    }
}
