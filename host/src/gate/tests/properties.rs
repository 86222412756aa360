//! Random grants, flow rules and calls, each step held against an oracle; budgets under many threads; and numbers at their ends.

use super::oracle::{
    Booked, Expected, Random, TOOLS, World, definitions, random_call, random_start,
};
use super::*;

#[test]
fn every_answer_of_the_gate_is_the_one_that_an_oracle_gives() {
    let definitions = definitions();
    let mut random = Random(42);
    let (mut through, mut asked, mut denied) = (0, 0, 0);
    for _ in 0..250 {
        let world = World::random(&mut random);
        let mut plan = world.plan(&definitions);
        plan.start = random_start(&mut random, &world);
        let mut spent = Spent::default();
        let mut booked = Booked::default();
        let mut waiting: Vec<Pending> = Vec::new();
        let mut now = random.below(3_000);
        for _ in 0..60 {
            // Mostly on, now and then back, and once in a while to where no calendar goes.
            now = match random.below(300) {
                0 => 1 << 60,
                1..=20 => now.min(10_000).saturating_sub(random.below(2_000)),
                _ => now.min(10_000) + random.below(400),
            };
            let mut call = random_call(&mut random, now);
            let expected = booked.expected(&world, &plan.start, &call);
            let (before, said) = (spent.clone(), format!("{call:?}"));
            let (tool, bytes) = (call.tool, call.bytes);
            let told = || format!("{said}\n{before:?}\n{}", world.text());
            match check(&plan, &mut spent, &mut call) {
                Err(denial) => {
                    assert_eq!(expected, Expected::Denied, "{denial}\n{}", told());
                    assert_eq!(spent, before, "{}", told());
                    assert_eq!(format!("{call:?}"), said);
                    denied += 1;
                    continue;
                }
                Ok(Passed::Permitted(permit, grant)) => {
                    assert_eq!(
                        expected,
                        Expected::Through(grant, Approve::Never),
                        "{}",
                        told()
                    );
                    assert_eq!((permit.server(), permit.tool()), TOOLS[tool]);
                    booked.calls.push((tool, grant, bytes));
                    booked.times.push((grant, now));
                    through += 1;
                    if random.one_in(4) {
                        let bytes = random.below(60);
                        let _ = book_result(&plan, &mut spent, grant, bytes);
                        booked.results.push((grant, bytes));
                    } else if random.one_in(30) {
                        take_back(&mut spent, tool, grant, bytes, ChangeKind::Removed);
                        booked.calls.pop();
                        booked.changed.insert(tool);
                    }
                }
                Ok(Passed::Ask(pending)) => {
                    let (grant, approve) = (pending.grant(), pending.approve());
                    assert_eq!(expected, Expected::Through(grant, approve), "{}", told());
                    assert_eq!(*pending.opened(), call.opened);
                    assert!(!pending.reasons().is_empty());
                    booked.calls.push((tool, grant, bytes));
                    booked.times.push((grant, now));
                    waiting.push(*pending);
                    asked += 1;
                }
            }
            while random.one_in(3) && !waiting.is_empty() {
                let at = random.below(waiting.len() as u64) as usize;
                let pending = waiting.swap_remove(at);
                let entry = (pending.tool, pending.grant, pending.bytes);
                let (kept, expires) = (random.below(3), world.grants[pending.grant].expires);
                let is_good = kept == 2
                    && !booked.changed.contains(&pending.tool)
                    && expires.is_none_or(|at| now < at);
                match kept {
                    0 => give_back(&mut spent, &pending),
                    kept => {
                        let digest = if kept == 1 {
                            "another"
                        } else {
                            pending.digest()
                        };
                        let approval = Approval::for_tests(digest);
                        let result = approve(&plan, &mut spent, pending, approval, now);
                        assert_eq!(result.is_ok(), is_good);
                    }
                }
                if !is_good {
                    let at = booked.calls.iter().position(|call| *call == entry).unwrap();
                    booked.calls.remove(at);
                }
            }
            if random.one_in(6) {
                read(&plan, &mut spent, tool, LabelSet::default());
                booked.read.extend(&world.labels[&tool]);
            }
            assert_eq!(spent.calls, booked.calls.len() as u64);
            assert_eq!(spent.bytes, booked.bytes(None));
        }
    }
    // Otherwise it tests nothing.
    assert!(
        through > 500 && asked > 500 && denied > 500,
        "{through} {asked} {denied}"
    );
}

/// Checks, yeses and noes in any order on several threads: never more calls than the budget, and what was given back is there.
#[test]
fn budgets_hold_while_people_are_asked() {
    const MOST: usize = 20;
    let text = "[[grant]]\nserver='s'\ntools=['read']\napprove='batch'\nmax_calls=15\nmax_bytes=45\n[[grant]]\nserver='s'\ntools=['*']\nmax_calls=5\n";
    let plan = plan(text, Limits::default());
    for seed in 0..20 {
        let spent = Mutex::new(Spent::default());
        let work = |seed: u64| {
            let mut random = Random(seed);
            let (mut made, mut waiting) = (0, Vec::new());
            for _ in 0..300 {
                match check(&plan, &mut spent.lock().unwrap(), &mut call(0, 3)) {
                    Ok(Passed::Permitted(..)) => made += 1,
                    Ok(Passed::Ask(pending)) => waiting.push(*pending),
                    Err(_) => {}
                }
                if !waiting.is_empty() && random.one_in(2) {
                    let pending = waiting.remove(0);
                    match random.below(4) {
                        0 => {
                            let approval = Approval::for_tests(pending.digest());
                            let approved =
                                approve(&plan, &mut spent.lock().unwrap(), pending, approval, 0);
                            made += usize::from(approved.is_ok());
                        }
                        1 => {
                            let wrong = Approval::for_tests("another");
                            assert!(
                                approve(&plan, &mut spent.lock().unwrap(), pending, wrong, 0)
                                    .is_err()
                            );
                        }
                        _ => give_back(&mut spent.lock().unwrap(), &pending),
                    }
                }
                let booked = spent.lock().unwrap().clone();
                assert!(booked.calls <= MOST as u64 && booked.grants[0].bytes <= 45);
            }
            for pending in waiting {
                give_back(&mut spent.lock().unwrap(), &pending);
            }
            made
        };
        let made: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|n| scope.spawn(move || work(seed * 4 + n)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        let mut spent = spent.into_inner().unwrap();
        assert_eq!(spent.calls, made as u64);
        let mut left = 0;
        while check(&plan, &mut spent, &mut call(0, 3)).is_ok() {
            left += 1;
        }
        assert_eq!(made + left, MOST, "what was given back can be used");
    }
}

/// The largest and the smallest numbers, in any order: an answer, and no panic.
#[test]
fn the_gate_has_an_answer_to_everything() {
    const ENDS: [u64; 7] = [0, 1, 2, 1 << 53, u64::MAX / 2, u64::MAX - 1, u64::MAX];
    let mut random = Random(7);
    for _ in 0..400 {
        let mut text = "[[grant]]\nserver='s'\ntools=['read']\napprove='batch'\n".to_owned();
        text.push_str(&format!(
            "rate='{}/{}ms'\n",
            random.pick(&[1, 2, 100_000]),
            random.pick(&[1_u64, i64::MAX as u64])
        ));
        text.push_str("[[grant]]\nserver='*'\ntools=['*']\n");
        let mut plan = plan(
            &text,
            Limits {
                calls: random.pick(&ENDS),
                call_bytes: random.pick(&ENDS),
                total_bytes: random.pick(&ENDS),
                ..Limits::default()
            },
        );
        let mut grants = plan.rules.grants().clone();
        for grant in &mut grants.grants {
            grant.max_calls = random.one_in(2).then(|| random.pick(&ENDS));
            grant.max_bytes = random.one_in(2).then(|| random.pick(&ENDS));
            grant.expires = random.one_in(2).then(|| random.pick(&ENDS));
        }
        plan.rules = Rules::unchecked(grants, &[("s", "read"), ("s", "write")]);
        let mut spent = Spent::default();
        for _ in 0..30 {
            let tool = random.pick(&[0, 1, 2, usize::MAX]);
            let mut call = Call {
                now: random.pick(&ENDS),
                ..call(tool, random.pick(&ENDS))
            };
            match check(&plan, &mut spent, &mut call) {
                Ok(Passed::Ask(pending)) if random.one_in(2) => give_back(&mut spent, &pending),
                Ok(Passed::Ask(pending)) => {
                    let approval = Approval::for_tests(pending.digest());
                    let _ = approve(&plan, &mut spent, *pending, approval, random.pick(&ENDS));
                }
                Ok(Passed::Permitted(..)) | Err(_) => {}
            }
            let _ = book_result(
                &plan,
                &mut spent,
                random.pick(&[0, 1, 9]),
                random.pick(&ENDS),
            );
            read(&plan, &mut spent, tool, LabelSet::default());
            if random.one_in(10) {
                take_back(&mut spent, tool, 1, random.pick(&ENDS), ChangeKind::Removed);
            }
        }
    }
}
