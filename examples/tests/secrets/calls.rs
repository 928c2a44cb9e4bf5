//! Every call, good and failing, on every runtime.

use bilibili_session::Picture;
use bilibili_session::Uid;
use bilibili_session::UnixMicros;
use bilibili_session::endpoints::*;
use bilibili_session_simulator::FaultKind;

use super::support::World;
use super::{context, on_tokio, shows_nothing};

pub(crate) const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0;";

/// Makes every call there is with this macro.
macro_rules! every_call {
    ($call:ident) => {
        let user = Uid(20001);
        $call!(Nav);
        $call!(GetSessions::new());
        $call!(NewSessions::new(UnixMicros(0)));
        $call!(GetSessionDetail::new(user));
        $call!(FetchSessionMsgs::new(user));
        $call!(SendMsg::text(user, "hi"));
        $call!(UploadPicture::new(
            Picture::from_bytes(GIF.to_vec()).unwrap()
        ));
        $call!(UpdateAck::new(user, bilibili_session::Seqno(1)));
        $call!(SetTop::pin(user));
        $call!(SetMsgDnd::mute(user));
        $call!(RemoveSession::new(user));
        $call!(GetSessionSettings);
        $call!(SetSessionSettings::new({
            let mut settings = SessionSettings::default();
            settings.msg_notify = Some(NotifySetting::Off);
            settings
        }));
        $call!(GetBlockWords);
        $call!(AddBlockWord::new("广告"));
        $call!(DeleteBlockWord::new("广告"));
        $call!(GetReplies::new());
        $call!(GetAt::new());
        $call!(GetLikes::new());
        $call!(GetSystemMessages::new());
        $call!(GetSystemMessages::unified());
        $call!(GetLikeDetail::new(9_300_000_000_060));
        $call!(SetFeedNotice::mute(9_300_000_000_060));
        $call!(DeleteFeedItem::like(9_300_000_000_060));
        $call!(UpdateSystemCursor::new(1_699_999_999_999_999_960));
        $call!(GetUnreadMessages);
        $call!(SingleUnread);
        $call!(MyGroupUnread);
        $call!(GetUserInfos::of([user]).remove(0));
    };
}
pub(crate) use every_call;

/// All ways to fail, one after the other.
pub(crate) fn faults() -> Vec<FaultKind> {
    let mut faults: Vec<FaultKind> = [-101, -111, -352, -400, -403, -404, -412, -500, -509]
        .into_iter()
        .chain([700_013, 1_000_004, 25_003, 12_345])
        .map(FaultKind::Code)
        .collect();
    faults.extend(
        [403, 412, 429, 502]
            .map(|status| FaultKind::Http(http::StatusCode::from_u16(status).unwrap())),
    );
    faults.extend([
        FaultKind::Reset,
        FaultKind::Truncated,
        FaultKind::Voucher,
        FaultKind::DataNull,
        FaultKind::Garbage,
        FaultKind::Body(br#"{"code":0,"data":7}"#.to_vec()),
    ]);
    faults
}

/// All calls, good and failing, on every runtime.
pub(crate) fn all_calls(world: &World) {
    let context = context(&world.server.origin());
    let transport = bilibili_session_blocking::UreqTransport::new();
    shows_nothing("the transport", &format!("{transport:?}"));
    let blocking = bilibili_session_blocking::Client::new(context.clone(), transport);
    let transport = bilibili_session_async_std::SurfTransport::new().unwrap();
    shows_nothing("the transport", &format!("{transport:?}"));
    let async_std = bilibili_session_async_std::Client::new(context.clone(), transport);
    let transport = bilibili_session_tokio::ReqwestTransport::new().unwrap();
    shows_nothing("the transport", &format!("{transport:?}"));
    let tokio = bilibili_session_tokio::Client::new(context, transport);
    shows_nothing(
        "the clients",
        &format!("{blocking:?} {async_std:?} {tokio:?}"),
    );
    let mut failures = 0;
    let mut look = |result: String, failed: bool| {
        shows_nothing("an answer", &result);
        failures += usize::from(failed);
    };
    macro_rules! on_each {
        ($endpoint:expr) => {
            for result in [
                blocking.call($endpoint).map(|answer| format!("{answer:?}")),
                async_std::task::block_on(async_std.call($endpoint))
                    .map(|answer| format!("{answer:?}")),
                on_tokio(tokio.call($endpoint)).map(|answer| format!("{answer:?}")),
            ] {
                look(format!("{result:?}"), result.is_err());
                if let Err(error) = result {
                    look(format!("{error} {error:#?}"), true);
                }
            }
        };
    }
    every_call!(on_each);
    for fault in faults() {
        world.fault("/", fault.clone(), 2);
        on_each!(GetSessions::new());
        world.server.simulator().clear_faults();
        // The keys are there: what fails is what writes.
        world.fault("/send_msg", fault, 2);
        on_each!(SendMsg::text(Uid(20001), "hi"));
        world.server.simulator().clear_faults();
    }
    assert!(failures > 60, "{failures}");
}
