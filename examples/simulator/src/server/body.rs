//! A body that is sent whole, or breaks off.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// Longest part of a body that is sent before it breaks off: it fits any socket's buffer, so that it does arrive.
const LONGEST_CUT: usize = 16 << 10;

/// A body that is sent whole, or breaks off.
pub(super) struct Body {
    steps: VecDeque<Step>,
    left: Option<u64>,
}

enum Step {
    Send(Bytes),
    /// Waits until everything sent so far has gone out.
    Flush,
    Break,
}

impl Body {
    pub(super) fn whole(bytes: Vec<u8>) -> Self {
        let left = Some(bytes.len() as u64);
        let steps = if bytes.is_empty() {
            VecDeque::new()
        } else {
            VecDeque::from([Step::Send(bytes.into())])
        };
        Self { steps, left }
    }

    /// Creates the first half of a body. The header promises the whole.
    pub(super) fn cut(mut bytes: Vec<u8>) -> Self {
        bytes.truncate((bytes.len() / 2).min(LONGEST_CUT));
        Self {
            steps: VecDeque::from([Step::Send(bytes.into()), Step::Flush, Step::Break]),
            left: None,
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match self.steps.pop_front() {
            Some(Step::Send(bytes)) => {
                self.left = self
                    .left
                    .map(|left| left.saturating_sub(bytes.len() as u64));
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Some(Step::Flush) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Break) => Poll::Ready(Some(Err(BrokenOff))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// The body ends before its length, as was asked for.
#[derive(Debug)]
pub(super) struct BrokenOff;

impl std::fmt::Display for BrokenOff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the body ends before its length, as was asked for")
    }
}

impl std::error::Error for BrokenOff {}
