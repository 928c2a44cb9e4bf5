//! Deeds of the others, and of the account itself on another device.

use bilibili_session::endpoints::SetTop;
use bilibili_session::{ClientConfig, ConversationId, Credential, Endpoint as _, GroupId, Uid};
use bilibili_session_simulator::{NewMessage, Rng, Standing};

use super::arrival::Flavour;
use super::{DAYS, FAR_UP, Population, conversation, of_model, signed, text};
use crate::ledger::{Entry, Fate, Place};
use crate::scenario::Scenario;
use crate::trouble::Trouble;

/// Largest number of pinned conversations.
const PINNED: usize = 3;

impl Population {
    /// Does one thing, drawn from all that this scenario has.
    pub(crate) fn act(&mut self, rng: &mut Rng, scenario: &Scenario, now_us: u64) {
        let has = |trouble| scenario.has(trouble);
        let mut deeds: Vec<fn(&mut Self, &mut Rng, &Scenario, u64)> = vec![Self::arrive; 24];
        if has(Trouble::Withdraw) {
            deeds.push(Self::withdraw);
        }
        if has(Trouble::TakeDown) {
            deeds.push(Self::take_down);
        }
        if has(Trouble::Burst) {
            deeds.push(|this, rng, scenario, now_us| this.burst(rng, scenario, now_us, 45));
        }
        if has(Trouble::Ties) {
            deeds.push(Self::tie);
        }
        if has(Trouble::NewConversations) {
            deeds.push(Self::begin);
            deeds.push(Self::begin);
        }
        if has(Trouble::RotateKeys) {
            deeds.push(|this, _, _, _| this.sim.rotate_keys());
        }
        if has(Trouble::Dissolve) && rng.chance(300) {
            deeds.push(Self::dissolve);
        }
        if has(Trouble::Pinned) {
            deeds.push(Self::pin);
        }
        if has(Trouble::Restarts) {
            deeds.push(Self::restart);
        }
        if has(Trouble::OtherTypes) {
            deeds.push(|this, rng, _, now_us| {
                let id = rng.pick(&this.others, conversation(0));
                this.write(rng, id, Flavour::Text, now_us, 0);
            });
        }
        if has(Trouble::TypeChanges) {
            deeds.push(|this, rng, _, _| this.change_type(rng));
        }
        if has(Trouble::Over) {
            deeds.push(|this, rng, scenario, now_us| this.burst(rng, scenario, now_us, 30));
        }
        if has(Trouble::EndIgnored) {
            // More than a page changes between two rounds.
            deeds.push(|this, rng, scenario, now_us| this.all_write(rng, scenario, now_us));
        }
        rng.pick(&deeds, Self::arrive)(self, rng, scenario, now_us);
    }

    /// Lets every user write at the same time.
    pub(crate) fn all_write(&mut self, rng: &mut Rng, scenario: &Scenario, now_us: u64) {
        for id in self.ids.clone() {
            self.arrive_in(rng, scenario, now_us, id);
        }
    }

    /// Changes whether a user is followed, or intercepted, from now on.
    pub(crate) fn change_type(&mut self, rng: &mut Rng) {
        if let ConversationId::User(Uid(user)) = self.any(rng) {
            let peer = self.sim.peer_mut(user);
            if rng.chance(600) {
                peer.is_follow = !peer.is_follow;
            } else {
                peer.is_intercept = !peer.is_intercept;
            }
        }
    }

    /// Begins a conversation anew, with a first message, numbered far below the old ones.
    fn restart(&mut self, rng: &mut Rng, _: &Scenario, now_us: u64) {
        let id = self.any(rng);
        let newest = self.ledger.newest(id).map_or(0, |place| place.seqno);
        if newest < FAR_UP || self.ledger.is_closed(id) {
            return;
        }
        // That it begins anew shows in a newer time beside the lower number.
        let is_timed = self
            .clocks
            .times
            .is_none_or(|_| id.is_user() && self.clocks.off(id, id.talker_id()) == 0);
        if !is_timed {
            return;
        }
        let before = rng.pick(&[0, 0, 3, 500, FAR_UP / 3], 0);
        if self.sim.restart(of_model(id), before).is_ok() {
            self.ledger.restart(id);
            self.recent.retain(|(of, ..)| *of != id);
            let still = std::mem::take(&mut self.clocks.stands_still);
            self.write(rng, id, Flavour::Text, now_us, 0);
            self.clocks.stands_still = still;
        }
    }

    /// Writes so many messages at once: in one conversation, or all over.
    pub(crate) fn burst(&mut self, rng: &mut Rng, scenario: &Scenario, now_us: u64, count: u32) {
        let one = rng.chance(600).then(|| self.any(rng));
        for _ in 0..count {
            let id = one.unwrap_or_else(|| self.any(rng));
            self.arrive_in(rng, scenario, now_us, id);
        }
    }

    /// Lets the conversation at this place write once more, in so many of a thousand cases, or if
    /// it `needs` to; returns whether there is none at this place.
    pub(crate) fn last_word(
        &mut self,
        rng: &mut Rng,
        now_us: u64,
        place: usize,
        share: u32,
        needs: impl Fn(ConversationId) -> bool,
    ) -> bool {
        let id = self.ids.get(place).copied();
        // That one began anew shows in a newest message that can be read.
        let ledger = &self.ledger;
        let began_anew = |id: &ConversationId| ledger.place(*id, 0).numbering > 0;
        let mut writes = |id: &ConversationId| rng.chance(share) || needs(*id) || began_anew(id);
        let id_that_writes = id.filter(&mut writes);
        if let Some(id) = id_that_writes.filter(|id| !self.ledger.is_closed(*id)) {
            self.write(rng, id, Flavour::Text, now_us, 0);
        }
        id.is_none()
    }

    fn arrive(&mut self, rng: &mut Rng, scenario: &Scenario, now_us: u64) {
        let id = self.any(rng);
        self.arrive_in(rng, scenario, now_us, id);
    }

    /// Begins a conversation that never was, with history or without.
    fn begin(&mut self, rng: &mut Rng, scenario: &Scenario, now_us: u64) {
        let Some(id) = self.unborn.pop() else {
            return;
        };
        self.ids.push(id);
        let history = rng.pick(&[0, 0, 2, 30, 250], 0);
        for n in 0..history {
            let sent_us = now_us - DAYS + n * 1_000_000;
            let message = NewMessage {
                session_ts: Some(signed(sent_us)),
                ..text(id).at(signed(sent_us / 1_000_000))
            };
            self.put(id, now_us, message, Fate::Never("it is history"), false);
        }
        self.arrive_in(rng, scenario, now_us, id);
    }

    /// Changes two conversations in the same microsecond.
    fn tie(&mut self, rng: &mut Rng, _: &Scenario, now_us: u64) {
        for _ in 0..2 {
            let id = self.any(rng);
            let message = NewMessage {
                session_ts: Some(signed(now_us + self.clocks.ahead(id))),
                ..text(id)
            };
            self.put(id, now_us, message, Fate::Comes, false);
        }
    }

    fn withdraw(&mut self, rng: &mut Rng, _: &Scenario, now_us: u64) {
        let Some((id, _, key, own)) = self.any_recent(rng) else {
            return;
        };
        if self.clocks.ahead_us > 0 {
            self.sim.quirks_mut().commit_lag_us = -signed(self.clocks.ahead(id));
        }
        if let Ok(arrived) = self.sim.withdraw(signed(now_us), key) {
            let fate = self.fate(own);
            let entry = Entry {
                serial: 0,
                msg_key: arrived.msg_key,
                timestamp: signed(now_us / 1_000_000),
                at_us: now_us,
                stood_still: false,
                fate,
            };
            self.ledger.add(id, arrived.msg_seqno, entry);
        }
    }

    fn take_down(&mut self, rng: &mut Rng, _: &Scenario, _: u64) {
        if let Some((id, place, key, _)) = self.any_recent(rng)
            && self.sim.take_down(key).is_ok()
        {
            self.ledger.take_down(id, place);
        }
    }

    fn dissolve(&mut self, rng: &mut Rng, _: &Scenario, _: u64) {
        if let id @ ConversationId::Group(GroupId(group)) = self.any(rng) {
            self.sim.group_mut(group).standing = if rng.chance(500) {
                Standing::Dissolved
            } else {
                Standing::Left
            };
            self.ledger.close(id);
        }
    }

    fn pin(&mut self, rng: &mut Rng, _: &Scenario, now_us: u64) {
        let id = self.any(rng);
        // At most as many as the smallest page has room for: the others would never be listed.
        self.pinned.retain(|pinned| *pinned != id);
        let pins = self.pinned.len() < PINNED && rng.chance(600);
        if pins {
            self.pinned.push(id);
        }
        self.set_top(
            now_us,
            if pins {
                SetTop::pin(id)
            } else {
                SetTop::unpin(id)
            },
        );
    }

    /// Pins a conversation or unpins it, as another device of the account does.
    fn set_top(&mut self, now_us: u64, mark: SetTop) {
        let login = self.sim.login();
        let cookies = format!("SESSDATA={}; bili_jct={}", login.sessdata, login.bili_jct);
        if let Ok(credential) = Credential::parse(&cookies)
            && let Ok(request) = mark.request(&ClientConfig::new(credential), ())
        {
            self.sim.handle(signed(now_us), &request);
        }
    }

    fn any_recent(&self, rng: &mut Rng) -> Option<(ConversationId, Place, i64, bool)> {
        let last = u64::try_from(self.recent.len()).ok()?.checked_sub(1)?;
        let place = usize::try_from(rng.between(0, last)).ok()?;
        self.recent.get(place).copied()
    }

    /// Draws a conversation; a few get most of the draws.
    pub(crate) fn any(&self, rng: &mut Rng) -> ConversationId {
        let few = self.ids.get(..3).unwrap_or(&self.ids);
        let from = if rng.chance(400) { few } else { &self.ids };
        rng.pick(from, conversation(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::int;

    #[test]
    fn a_pin_takes_hold_and_ends() {
        let now_us = crate::life::EPOCH_US;
        let mut population = Population::new(&Scenario::draw(1), &mut Rng::new(1), now_us);
        let id = conversation(0);
        population.put(id, now_us, text(id), Fate::Comes, false);
        let pins = |population: &Population| {
            let state = population.sim.state();
            let conversations = state["conversations"].as_array().cloned();
            let pinned = conversations.into_iter().flatten();
            pinned.filter(|it| int(&it["top_ts"]) > 0).count()
        };
        population.set_top(now_us, SetTop::pin(id));
        assert_eq!(pins(&population), 1);
        population.set_top(now_us, SetTop::unpin(id));
        assert_eq!(pins(&population), 0);
    }
}
