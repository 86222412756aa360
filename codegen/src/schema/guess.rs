//! Types that no schema states and other keywords suggest, where a union meets them. A suggestion is followed, and then is a
//! loss; where something that is stated says otherwise, it counts for nothing. No types are made here.

use super::facts::{Facts, GUESSED};
use super::types::Types;
use super::{Source, Walk};

impl<'a> Walk<'a> {
    /// What may fit a member of a union by all that holds beside the union; `member` keeps no suggestion that something
    /// stated rules out.
    pub(super) fn allowed_beside(&mut self, base: &Facts<'a>, member: &mut Facts<'a>) -> Types {
        if member.is_guessed() && self.is_overruled_inside(member) {
            member.overrule();
        }
        let (allowed, own) = (base.kinds(), member.kinds());
        let meet = allowed.intersects(own);
        match (base.is_guessed(), member.is_guessed()) {
            (true, true) if !meet => {
                member.overrule();
                return Types::ALL;
            }
            (true, false) if member.states_types() => return Types::ALL,
            (false, true) if !meet => {
                member.overrule();
                return allowed;
            }
            _ => {}
        }
        // A stated `null` is seen to elsewhere.
        if base.is_guessed() {
            self.lose(&base.at, "type", GUESSED);
        } else if member.is_guessed() && !own.or(Types::NULL).has(allowed) {
            self.lose(&member.at, "type", GUESSED);
        }
        allowed
    }

    /// Whether a union inside states something that the suggestion rules out.
    fn is_overruled_inside(&mut self, facts: &Facts<'a>) -> bool {
        let members: Vec<&Source<'a>> = facts.unions.iter().flat_map(|one| &one.members).collect();
        members.into_iter().any(|member| {
            let inner = self.collect(std::slice::from_ref(member));
            inner.states_types() && !inner.kinds().intersects(facts.kinds())
        })
    }
}
