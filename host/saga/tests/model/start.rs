//! The idempotent start: two requests with one `Idempotency-Key` at two hosts. Replies get lost, clients
//! ask again, hosts die between any two moves, and the product may be deleted meanwhile.

use stateright::{Checker, Model, Property};

/// A rule of the start that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    KeyIsUnique,
    KeyInTheSagasTransaction,
    LookUpBeforeAdmit,
    RefusalIsRecorded,
    UnknownIsReadBack,
    ReplyAfterCommit,
}

/// What the row of the key says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Started(u8),
    Refused,
}

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Request {
    Fresh,
    LookUp,
    Admit,
    RecordRefusal,
    Insert,
    /// The saga is committed, its key isn't: only without `KeyInTheSagasTransaction`.
    InsertKey(u8),
    Created(u8),
    Refused,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    requests: [Request; 2],
    /// How often each client will ask again.
    retries: [u8; 2],
    key: Option<Key>,
    sagas: u8,
    product: bool,
    /// A 201 went out before a COMMIT that failed.
    promised: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    ProductDeleted,
    Goes(usize),
    /// Its COMMIT happens, and the answer is lost.
    CommitUnknown(usize),
    CommitFails(usize),
    /// The host dies, or the reply is lost: the client asks again.
    AsksAgain(usize),
}

struct Start {
    removed: Option<Rule>,
}

impl Start {
    fn lacks(&self, rule: Rule) -> bool {
        self.removed == Some(rule)
    }

    fn goes(&self, world: &mut World, i: usize) -> Option<()> {
        let admits_first = self.lacks(Rule::LookUpBeforeAdmit);
        world.requests[i] = match world.requests[i] {
            Request::Fresh if admits_first => Request::Admit,
            Request::Fresh => Request::LookUp,
            Request::LookUp => match world.key {
                Some(key) => answer(key),
                None if admits_first => Request::Insert,
                None => Request::Admit,
            },
            Request::Admit if !world.product => {
                let unrecorded = admits_first || self.lacks(Rule::RefusalIsRecorded);
                if unrecorded {
                    Request::Refused
                } else {
                    Request::RecordRefusal
                }
            }
            Request::Admit if admits_first => Request::LookUp,
            Request::Admit => Request::Insert,
            Request::RecordRefusal => answer(*world.key.get_or_insert(Key::Refused)),
            Request::Insert => self.insert(world),
            Request::InsertKey(id) => answer(*world.key.get_or_insert(Key::Started(id))),
            Request::Created(_) | Request::Refused | Request::Failed => return None,
        };
        Some(())
    }

    /// One transaction: the key if it is absent, and the saga.
    fn insert(&self, world: &mut World) -> Request {
        if let Some(key) = world.key
            && !self.lacks(Rule::KeyIsUnique)
        {
            return answer(key);
        }
        let id = world.sagas;
        world.sagas += 1;
        if self.lacks(Rule::KeyInTheSagasTransaction) {
            return Request::InsertKey(id);
        }
        world.key.get_or_insert(Key::Started(id));
        Request::Created(id)
    }

    fn commit_unknown(&self, world: &mut World, i: usize) -> Option<()> {
        if !matches!(world.requests[i], Request::RecordRefusal | Request::Insert) {
            return None;
        }
        self.goes(world, i)?;
        let fails = self.lacks(Rule::UnknownIsReadBack) && matches!(world.requests[i], Request::Created(_));
        world.requests[i] = if fails { Request::Failed } else { Request::LookUp };
        Some(())
    }

    fn commit_fails(&self, world: &mut World, i: usize) -> Option<()> {
        if world.requests[i] != Request::Insert || !self.lacks(Rule::ReplyAfterCommit) {
            return None;
        }
        world.promised = true;
        world.requests[i] = Request::Created(world.sagas);
        Some(())
    }
}

fn answer(key: Key) -> Request {
    match key {
        Key::Started(id) => Request::Created(id),
        Key::Refused => Request::Refused,
    }
}

fn asks_again(world: &mut World, i: usize) -> Option<()> {
    let over = matches!(world.requests[i], Request::Fresh | Request::Refused | Request::Failed);
    if over || world.retries[i] == 0 {
        return None;
    }
    world.retries[i] -= 1;
    world.requests[i] = Request::Fresh;
    Some(())
}

const ONE_SAGA: &str = "one key starts one saga";
const ONE_ID: &str = "one key is answered with one id";
const NO_EMPTY_PROMISE: &str = "a 201 means that the saga is there";
const NO_FALSE_REFUSAL: &str = "nobody is refused whose saga runs";

impl Model for Start {
    type State = World;
    type Action = Move;

    fn init_states(&self) -> Vec<World> {
        let requests = [Request::Fresh; 2];
        vec![World {
            requests,
            retries: [1; 2],
            key: None,
            sagas: 0,
            product: true,
            promised: false,
        }]
    }

    fn actions(&self, _: &World, moves: &mut Vec<Move>) {
        moves.push(Move::ProductDeleted);
        for i in 0..2 {
            moves.extend([
                Move::Goes(i),
                Move::CommitUnknown(i),
                Move::CommitFails(i),
                Move::AsksAgain(i),
            ]);
        }
    }

    fn next_state(&self, before: &World, does: Move) -> Option<World> {
        let mut world = before.clone();
        match does {
            Move::ProductDeleted => world.product = false,
            Move::Goes(i) => self.goes(&mut world, i)?,
            Move::CommitUnknown(i) => self.commit_unknown(&mut world, i)?,
            Move::CommitFails(i) => self.commit_fails(&mut world, i)?,
            Move::AsksAgain(i) => asks_again(&mut world, i)?,
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONE_SAGA, |_, world: &World| world.sagas <= 1),
            Property::always(ONE_ID, |_, world: &World| match world.requests {
                [Request::Created(one), Request::Created(other)] => one == other,
                _ => true,
            }),
            Property::always(NO_EMPTY_PROMISE, |_, world: &World| !world.promised || world.sagas > 0),
            Property::always(NO_FALSE_REFUSAL, |_, world: &World| {
                let refused = |request: &Request| matches!(request, Request::Refused | Request::Failed);
                world.sagas == 0 || !world.requests.iter().any(refused)
            }),
            Property::sometimes("both get the id of one saga", |_, world: &World| {
                world.requests == [Request::Created(0); 2]
            }),
            Property::sometimes("both are refused", |_, world: &World| {
                world.requests == [Request::Refused; 2]
            }),
        ]
    }
}

#[test]
fn a_start_is_idempotent_by_its_key() {
    let checker = Start { removed: None }.checker().spawn_bfs().join();
    println!("start: {} states", checker.unique_state_count());
    checker.assert_properties();
    assert!(checker.unique_state_count() >= 300);
}

#[test]
fn without_a_rule_of_the_start_a_law_breaks() {
    for (rule, law) in [
        (Rule::KeyIsUnique, ONE_SAGA),
        (Rule::KeyInTheSagasTransaction, ONE_SAGA),
        (Rule::LookUpBeforeAdmit, NO_FALSE_REFUSAL),
        (Rule::RefusalIsRecorded, NO_FALSE_REFUSAL),
        (Rule::UnknownIsReadBack, NO_FALSE_REFUSAL),
        (Rule::ReplyAfterCommit, NO_EMPTY_PROMISE),
    ] {
        let checker = Start { removed: Some(rule) }
            .checker()
            .target_state_count(20_000)
            .spawn_bfs()
            .join();
        assert!(
            checker.discovery(law).is_some(),
            "without {rule:?}, \"{law}\" still holds"
        );
    }
}
