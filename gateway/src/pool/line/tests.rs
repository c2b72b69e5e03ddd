//! What the line promises, whoever stands in it.

use super::*;
use proptest::prelude::*;
use std::collections::HashSet;
use uuid::Uuid;

fn org(n: u8) -> OrgId {
    OrgId(Uuid::from_u128(u128::from(n) + 1))
}

fn popped<T>(line: &mut Line<T>) -> Vec<T> {
    std::iter::from_fn(|| line.pop().map(|(_, item)| item)).collect()
}

#[test]
fn the_most_urgent_go_first_and_calls_of_one_org_in_the_order_they_came() {
    let mut line = Line::default();
    for (priority, name) in [(0, "a"), (9, "b"), (0, "c"), (5, "d"), (9, "e")] {
        line.push(priority, org(1), 1, name);
    }
    assert_eq!((line.len(), line.ahead_of(0), line.ahead_of(5), line.ahead_of(9)), (5, 5, 3, 2));
    assert_eq!(popped(&mut line), ["b", "e", "d", "a", "c"]);
    assert!(line.is_empty() && line.pop().is_none());
}

#[test]
fn every_eighth_place_goes_to_a_class_that_others_keep_waiting() {
    let mut line = Line::default();
    for _ in 0..100 {
        line.push(9, org(1), 1, 9);
    }
    for _ in 0..10 {
        line.push(3, org(2), 1, 3);
    }
    for _ in 0..10 {
        line.push(0, org(3), 1, 0);
    }
    let first: Vec<_> = (0..32).filter_map(|_| line.pop()).map(|(_, class)| class).collect();
    let of = |class| first.iter().filter(|one| **one == class).count();
    assert_eq!((of(9), of(3), of(0)), (28, 2, 2), "{first:?}");
}

#[test]
fn an_org_that_floods_the_line_delays_the_others_by_a_turn_at_most() {
    let mut line = Line::default();
    for _ in 0..1_000 {
        line.push(4, org(1), 512, 1);
    }
    for _ in 0..10 {
        line.push(4, org(2), 512, 2);
    }
    let first: Vec<_> = (0..20).filter_map(|_| line.pop()).map(|(_, org)| org).collect();
    assert_eq!(first.iter().filter(|org| **org == 2).count(), 10, "{first:?}");
}

#[test]
fn turns_are_of_tokens_and_not_of_calls() {
    let mut line = Line::default();
    for _ in 0..400 {
        line.push(4, org(1), 4_000, 1_u64);
    }
    for _ in 0..4_000 {
        line.push(4, org(2), 400, 2);
    }
    let mut tokens = [0_u64; 2];
    for _ in 0..1_000 {
        match line.pop().unwrap().1 {
            1 => tokens[0] += 4_000,
            _ => tokens[1] += 400,
        }
    }
    let [large, small] = tokens;
    assert!(large.abs_diff(small) <= 8_000, "{tokens:?}");
}

#[test]
fn where_the_line_is_full_whoever_has_most_of_the_least_urgent_makes_room() {
    let mut line = Line::default();
    for n in 0..5 {
        line.push(2, org(1), 1, ("flood", n));
    }
    line.push(2, org(2), 1, ("small", 0));
    // One of its own never does: it would only change places with itself.
    assert_eq!(line.displace(2, org(1)), None);
    assert_eq!(line.displace(2, org(2)), Some(("flood", 4)));
    assert_eq!(line.displace(2, org(3)), Some(("flood", 3)));
    assert_eq!(line.displace(1, org(3)), None, "who is less urgent displaces nobody");
    assert_eq!(line.displace(9, org(1)), Some(("flood", 2)), "who is more urgent does");
    assert_eq!(line.len(), 3);
    assert_eq!(popped(&mut line), [("flood", 0), ("flood", 1), ("small", 0)]);
}

#[derive(Debug, Clone)]
enum Act {
    Push(u8, u8, u64),
    Pop,
    PopAndPutBack,
    Leave(usize),
    Displace(u8, u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..12_u8, 0..5_u8, 0..9_000_u64).prop_map(|(p, o, c)| Act::Push(p, o, c)),
        3 => Just(Act::Pop),
        1 => Just(Act::PopAndPutBack),
        2 => any::<usize>().prop_map(Act::Leave),
        1 => (0..12_u8, 0..5_u8).prop_map(|(p, o)| Act::Displace(p, o)),
    ]
}

proptest! {
    /// Whoever came in goes out once: by its turn, by leaving or by being displaced.
    #[test]
    fn nobody_is_lost_and_nobody_is_served_twice(acts in prop::collection::vec(act(), 0..300)) {
        let mut line = Line::default();
        let mut inside: Vec<(u32, Place)> = Vec::new();
        let mut next = 0_u32;
        for act in acts {
            let gone = match act {
                Act::Push(priority, of, cost) => {
                    inside.push((next, line.push(priority, org(of), cost, next)));
                    next += 1;
                    None
                }
                Act::Pop => line.pop().map(|(_, item)| item),
                Act::PopAndPutBack => {
                    if let Some((place, item)) = line.pop() {
                        line.put_back(place, item);
                    }
                    None
                }
                Act::Leave(at) if !inside.is_empty() => {
                    let (item, place) = inside[at % inside.len()];
                    prop_assert_eq!(line.remove(place), Some(item));
                    prop_assert_eq!(line.remove(place), None);
                    Some(item)
                }
                Act::Leave(_) => None,
                Act::Displace(priority, of) => line.displace(priority, org(of)),
            };
            if let Some(gone) = gone {
                let known = inside.iter().position(|(item, _)| *item == gone);
                prop_assert!(known.is_some(), "{} was served twice", gone);
                inside.swap_remove(known.unwrap());
            }
            prop_assert_eq!(line.len(), inside.len());
        }
        let rest: HashSet<_> = popped(&mut line).into_iter().collect();
        prop_assert_eq!(rest, inside.into_iter().map(|(item, _)| item).collect());
    }

    /// A class that waits has its turn within eight places of each class, whatever comes.
    #[test]
    fn no_class_starves(waiting in prop::collection::hash_set(0..10_u8, 1..10)) {
        let mut line = Line::default();
        for class in &waiting {
            for _ in 0..800 {
        line.push(*class, org(*class), 100, *class);
    }
        }
        let mut since = [0_u32; CLASSES];
        for _ in 0..700 {
            let Some((_, served)) = line.pop() else { break };
            for class in &waiting {
                let since = &mut since[usize::from(*class)];
                *since = if *class == served { 0 } else { *since + 1 };
                prop_assert!(*since <= (TURNS + 1) * CLASSES as u32, "{} starves", class);
            }
        }
    }

    /// Orgs of a class whose calls all wait have had the same, but for a turn and a call.
    #[test]
    fn orgs_share_evenly(costs in prop::collection::vec(1..6_000_u64, 2..6)) {
        let mut line = Line::default();
        for (of, cost) in costs.iter().enumerate() {
            for _ in 0..300 {
        line.push(0, org(of as u8), *cost, of);
    }
        }
        let mut had = vec![0_u64; costs.len()];
        for _ in 0..250 {
            let (place, of) = line.pop().unwrap();
            had[of] += place.cost;
        }
        let (least, most) = (had.iter().min().unwrap(), had.iter().max().unwrap());
        prop_assert!(most - least <= 2 * (QUANTUM + COST_MAX), "{:?}", had);
    }
}
