//! That a server's tools changed, counted. Servers of the older protocol versions tell everybody; since 2026-07-28 they tell
//! those who subscribed, and while a subscription is lost nothing is known. What changed is not asked here: whoever makes the next call lists the tools again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{ProtocolVersion, SubscriptionFilter};
use rmcp::service::{Peer, Subscription};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// By which a server says that its tools changed.
const TOOLS_CHANGED: &str = "notifications/tools/list_changed";
/// Longest time that a server may take to take a subscription in.
const SUBSCRIBE: Duration = Duration::from_secs(5);
/// Before a subscription that ended is asked for again: doubled each time, up to the second.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How often a server has said that its tools changed, or may have wanted to. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    count: AtomicU64,
    /// Nothing is told until a lost subscription is taken in again.
    blind: AtomicBool,
}

impl Changes {
    pub(super) fn count(&self) -> u64 {
        self.0.count.load(Ordering::Acquire)
    }

    pub(super) fn add(&self) {
        self.0.count.fetch_add(1, Ordering::Release);
    }

    /// Whether tools that were listed at this count may be others by now.
    pub(super) fn since(&self, count: u64) -> bool {
        // In this order: who no longer sees the flag sees the change that was counted before it was taken back.
        self.0.blind.load(Ordering::Acquire) || self.count() != count
    }

    fn lose(&self) {
        self.0.blind.store(true, Ordering::Release);
        self.add();
    }

    fn regain(&self) {
        // Nobody knows what happened meanwhile.
        self.add();
        self.0.blind.store(false, Ordering::Release);
    }

    /// Counts a message that says so, and tells whether it does. Asked where messages are still in order: rmcp tells of it
    /// from a task of its own, perhaps after the answer that came next, and the program's next call would not know.
    pub(super) fn note(&self, message: &Value) -> bool {
        let said = message.get("method").and_then(Value::as_str) == Some(TOOLS_CHANGED);
        if said {
            self.add();
        }
        said
    }
}

/// Subscribes, where that is the way to be told and the server tells at all, for as long as the returned set lives. A server
/// that declines is asked no more: its tools are then compared at each start only.
pub(super) async fn listen(peer: &Peer<RoleClient>, changes: &Changes) -> JoinSet<()> {
    let mut listening = JoinSet::new();
    let Some(info) = peer.peer_info() else {
        return listening;
    };
    let tools = info.capabilities.tools.as_ref();
    let tells = tools.is_some_and(|tools| tools.list_changed == Some(true));
    if !tells || info.protocol_version < ProtocolVersion::V_2026_07_28 {
        return listening;
    }
    // Waited for, so that no change can fall between the first list and the subscription.
    if let Some(subscription) = subscribe(peer).await {
        listening.spawn(keep_counting(subscription, peer.clone(), changes.clone()));
    }
    listening
}

async fn subscribe(peer: &Peer<RoleClient>) -> Option<Subscription> {
    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    timeout(SUBSCRIBE, peer.listen(filter)).await.ok()?.ok()
}

async fn keep_counting(mut subscription: Subscription, peer: Peer<RoleClient>, changes: Changes) {
    let mut wait = AGAIN.0;
    loop {
        while let Ok(Some(_)) = subscription.next().await {
            changes.add();
            wait = AGAIN.0;
        }
        changes.lose();
        loop {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(AGAIN.1);
            if peer.is_transport_closed() {
                return;
            }
            if let Some(again) = subscribe(&peer).await {
                subscription = again;
                changes.regain();
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_subscription_every_list_is_old() {
        let changes = Changes::default();
        let listed = changes.count();
        assert!(!changes.since(listed));
        changes.lose();
        assert!(changes.since(listed) && changes.since(changes.count()));
        let blind = changes.count();
        changes.regain();
        assert!(changes.since(blind) && !changes.since(changes.count()));
    }
}
