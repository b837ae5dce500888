//! Sets of users that a run keeps by number: in memory, or on disk where memory is short.

use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use roaring::RoaringBitmap;
use tokio::task::yield_now;

use super::pass::room::for_sets;
use super::pass::spill::Spill;

/// So many bytes are put away at once, before others have a turn.
const AT_ONCE: usize = 1 << 25;

/// Bytes of a container of a bitmap beside its members.
const CONTAINER: usize = 48;

/// Sets of users, numbered from 0.
pub(super) struct Sets {
    /// What of each is in memory.
    held: Vec<Arc<RoaringBitmap>>,
    /// Where the rest of each begins on disk, and its bytes.
    away: Vec<Vec<(u64, usize)>>,
    /// At least as many bytes as are held.
    bound: usize,
    memory: MemoryReservation,
    /// Bytes that may be held.
    most: usize,
    spill: Option<Spill>,
    /// The set that is put away next.
    next: usize,
    runtime: Arc<RuntimeEnv>,
}

impl Sets {
    /// So many sets of nobody.
    pub(super) fn new(runtime: &Arc<RuntimeEnv>, count: usize) -> Self {
        let pool = &runtime.memory_pool;
        Sets {
            held: vec![Arc::default(); count],
            away: vec![Vec::new(); count],
            bound: 0,
            memory: MemoryConsumer::new("sets of users").register(pool),
            most: for_sets(pool),
            spill: None,
            next: 0,
            runtime: Arc::clone(runtime),
        }
    }

    /// One set more; its number.
    pub(super) async fn push(&mut self, members: RoaringBitmap) -> Result<usize> {
        self.held.push(Arc::default());
        self.away.push(Vec::new());
        self.add(self.held.len() - 1, members);
        self.settle().await?;
        Ok(self.held.len() - 1)
    }

    /// Adds members to a set. After some of it, the sets want to be settled.
    pub(super) fn add(&mut self, number: usize, members: RoaringBitmap) {
        if let Some(held) = self.held.get_mut(number)
            && !members.is_empty()
        {
            self.bound += bytes(&members);
            *Arc::make_mut(held) |= members;
        }
    }

    /// Accounts for what is held, and puts away what is too much.
    pub(super) async fn settle(&mut self) -> Result<()> {
        while self.most < usize::MAX && self.bound > self.memory.size() {
            self.bound = self.held.iter().map(|held| bytes(held)).sum();
            // Some more, so that not every set has to be looked at every time.
            let wanted = (self.bound + self.bound / 2).min(self.most);
            if self.bound <= wanted && self.memory.try_resize(wanted).is_ok() {
                break;
            }
            self.put_away()?;
            yield_now().await;
        }
        Ok(())
    }

    /// Moves sets to disk: half of what is held, or as much as is written in one turn.
    fn put_away(&mut self) -> Result<()> {
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill::create(&self.runtime.disk_manager)?),
        };
        let enough = (self.bound / 2).min(AT_ONCE);
        let (mut moved, count) = (0, self.held.len());
        let mut written = Vec::new();
        for _ in 0..count {
            let at = self.next;
            self.next = (at + 1) % count;
            let (Some(held), Some(away)) = (self.held.get_mut(at), self.away.get_mut(at)) else {
                continue;
            };
            if held.is_empty() {
                continue;
            }
            written.clear();
            held.serialize_into(&mut written).map_err(DataFusionError::IoError)?;
            away.push((spill.append(&written)?, written.len()));
            moved += bytes(held);
            *held = Arc::default();
            if moved > enough {
                break;
            }
        }
        self.bound -= moved.min(self.bound);
        self.memory.shrink(moved.min(self.memory.size()));
        Ok(())
    }

    /// The members of a set; nothing if there is none of that number.
    pub(super) fn get(&self, number: usize) -> Result<Option<Arc<RoaringBitmap>>> {
        let (Some(held), Some(away)) = (self.held.get(number), self.away.get(number)) else {
            return Ok(None);
        };
        let Some(spill) = self.spill.as_ref().filter(|_| !away.is_empty()) else {
            return Ok(Some(Arc::clone(held)));
        };
        let mut members = held.as_ref().clone();
        for (start, length) in away {
            let mut bytes = vec![0; *length];
            spill.written().read(*start, &mut bytes)?;
            members |= RoaringBitmap::deserialize_from(bytes.as_slice())
                .map_err(DataFusionError::IoError)?;
        }
        Ok(Some(Arc::new(members)))
    }
}

/// Bytes of a set in memory.
fn bytes(members: &RoaringBitmap) -> usize {
    let statistics = members.statistics();
    // Room of arrays is told as if their members had 32 bits.
    let members = statistics.n_bytes_array_containers / 2
        + statistics.n_bytes_bitset_containers
        + statistics.n_bytes_run_containers;
    usize::try_from(members).unwrap_or(usize::MAX) + statistics.n_containers as usize * CONTAINER
}
