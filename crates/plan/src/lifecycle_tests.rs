use super::*;

/// Every path of up to `depth` events from both beginnings.
fn paths(depth: usize) -> Vec<Vec<Life>> {
    let mut all = vec![vec![Life::planned(false)], vec![Life::planned(true)]];
    let mut frontier = all.clone();
    for _ in 0..depth {
        let mut longer = Vec::new();
        for path in &frontier {
            for event in Event::ALL {
                if let Ok(life) = next(*path.last().unwrap(), event) {
                    longer.push([path.as_slice(), &[life]].concat());
                }
            }
        }
        all.extend(longer.iter().cloned());
        frontier = longer;
    }
    all
}

#[test]
fn nothing_is_freed_that_was_not_hidden_and_meant_to_be_freed() {
    for path in paths(8) {
        for (at, life) in path.iter().enumerate() {
            if life.state == State::Purged && path[at - 1].state != State::Retrieving {
                assert_eq!(path[at - 1].state, State::Purging);
                assert_eq!(path[at - 2].state, State::Quarantined);
            }
        }
    }
}

#[test]
fn what_must_be_copied_is_not_freed_before_and_a_copy_is_never_forgotten() {
    for path in paths(8) {
        for (at, life) in path.iter().enumerate() {
            if matches!(life.state, State::Purging | State::Purged) {
                assert_ne!(life.copy, CopyState::Owed, "{path:?}");
            }
            if life.copy == CopyState::Kept {
                let first = path.iter().position(|earlier| earlier.copy == CopyState::Kept).unwrap();
                assert_eq!(path[first - 1], Life { state: State::Archiving, copy: CopyState::Owed });
                assert!(path[first..].iter().all(|later| later.copy == CopyState::Kept), "{path:?}");
            }
            assert!(at == 0 || (life.copy == CopyState::NotAsked) == (path[0].copy == CopyState::NotAsked));
        }
    }
}

#[test]
fn what_is_freed_comes_back_only_from_a_copy() {
    for path in paths(9) {
        for pair in path.windows(2) {
            if pair[0].state == State::Purged {
                assert_eq!(pair[1], Life { state: State::Retrieving, copy: CopyState::Kept });
            }
            if pair[0].state == State::Retrieving {
                assert!(matches!(pair[1].state, State::Restored | State::Purged), "{pair:?}");
            }
        }
    }
}

#[test]
fn every_change_of_the_store_has_its_intent_before_it() {
    for path in paths(7) {
        for pair in path.windows(2) {
            let moved = matches!(pair[1].state, State::Restored | State::Purged | State::Superseded | State::LeftAlone);
            assert!(!moved || pair[0].state.is_pending(), "{pair:?}");
        }
    }
}

#[test]
fn every_state_can_be_reached_and_names_are_distinct() {
    let reached: Vec<Life> = paths(8).into_iter().flatten().collect();
    for state in State::ALL {
        assert!(reached.iter().any(|life| life.state == state), "{state:?}");
        assert_eq!(State::ALL.iter().filter(|s| s.name() == state.name()).count(), 1);
        assert_eq!(State::PENDING.contains(&state), state.is_pending());
    }
    for event in Event::ALL {
        assert_eq!(Event::ALL.iter().filter(|e| e.name() == event.name()).count(), 1);
    }
}
