//! How much time is left: a caller's deadline reaches every service behind the first.

use std::{future::Future, time::Duration};

use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

/// The header of the gRPC protocol.
const HEADER: &str = "grpc-timeout";
/// What an outgoing call leaves of the time that remains, to answer with.
const RESERVE: Duration = Duration::from_millis(20);
/// A call that has less than this is not worth making.
const LEAST: Duration = Duration::from_millis(5);
/// The longest value that fits into the header's eight digits, in milliseconds.
const LONGEST_MS: u128 = 99_999_999;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// How much time the call that is being handled has left; `None` outside one, and for one without
/// a deadline. A task that a handler spawns is outside.
pub fn remaining() -> Option<Duration> {
    DEADLINE.try_with(|deadline| deadline.saturating_duration_since(Instant::now())).ok()
}

/// Runs `work` with a deadline that its outgoing calls respect.
pub async fn within<T>(deadline: Instant, work: impl Future<Output = T> + Send) -> T {
    DEADLINE.scope(deadline, work).await
}

/// How long an outgoing call may take, if it would like `own`; `None` if it is not worth making.
pub(super) fn for_call(own: Duration) -> Option<Duration> {
    let allowed = match remaining() {
        Some(remaining) => own.min(remaining.saturating_sub(RESERVE)),
        None => own,
    };
    (allowed >= LEAST).then_some(allowed)
}

/// Reads the header (gRPC over HTTP/2, `Timeout`). A value that cannot be read counts as none.
pub(super) fn read(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(HEADER)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|it| it.is_ascii_digit()) {
        return None;
    }
    let value = digits.parse::<u64>().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(value * 3_600),
        "M" => Duration::from_secs(value * 60),
        "S" => Duration::from_secs(value),
        "m" => Duration::from_millis(value),
        "u" => Duration::from_micros(value),
        "n" => Duration::from_nanos(value),
        _ => return None,
    })
}

/// Writes the header.
pub(super) fn write(headers: &mut HeaderMap, timeout: Duration) {
    let text = match timeout.as_millis() {
        millis if millis <= LONGEST_MS => format!("{millis}m"),
        _ => format!("{}S", timeout.as_secs().min(99_999_999)),
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(HEADER, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_survives_its_header() {
        for millis in [0, 1, 99_999_999, 100_000_000, 3_600_000_000] {
            let mut headers = HeaderMap::new();
            write(&mut headers, Duration::from_millis(millis));
            assert_eq!(read(&headers), Some(Duration::from_millis(millis)));
        }
    }

    #[test]
    fn a_header_that_is_no_timeout_counts_as_none() {
        for text in ["", "S", "1", "1x", "-1S", "123456789S", "1.5S"] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_static(text));
            assert_eq!(read(&headers), None, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_gets_what_is_left_less_a_reserve() {
        let own = Duration::from_secs(10);
        assert_eq!(for_call(own), Some(own));
        let deadline = Instant::now() + Duration::from_millis(100);
        assert_eq!(
            within(deadline, async { for_call(own) }).await,
            Some(Duration::from_millis(80))
        );
        let short = Instant::now() + Duration::from_millis(24);
        assert_eq!(within(short, async { for_call(own) }).await, None);
    }
}
