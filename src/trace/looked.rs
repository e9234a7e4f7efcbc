//! What is known of attention and layers, by token.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::look::{AttentionEvent, LensEvent};

/// Most records kept of one token: every head of every layer of a small model. Later ones replace the oldest.
const MOST_A_TOKEN: usize = 64;

/// `attention` and `lens` records by the position of their token.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    attention: BTreeMap<u64, Vec<Arc<AttentionEvent>>>,
    lens: BTreeMap<u64, Arc<LensEvent>>,
}

impl Looked {
    /// The record that has this layer (`None`: the mean over all) and head of a token's attention.
    pub fn attention_of(&self, position: u64, layer: Option<u32>, head: Option<u32>) -> Option<&Arc<AttentionEvent>> {
        let of = self.attention.get(&position)?;
        of.iter().rev().find(|event| event.head == head && event.map(layer).is_some())
    }

    /// Any record of a token's attention, the latest first.
    pub fn any_attention(&self, position: u64) -> Option<&Arc<AttentionEvent>> {
        self.attention.get(&position)?.last()
    }

    /// Positions of tokens whose attention is known.
    pub fn attended(&self) -> impl Iterator<Item = u64> {
        self.attention.keys().copied()
    }

    /// What the layers would have said in a token's place.
    pub fn lens_of(&self, position: u64) -> Option<&Arc<LensEvent>> {
        self.lens.get(&position)
    }

    pub(super) fn attention(&mut self, event: &AttentionEvent) {
        let of = self.attention.entry(event.position).or_default();
        let same = |other: &Arc<AttentionEvent>| {
            other.head == event.head && other.maps.iter().map(|m| m.layer).eq(event.maps.iter().map(|m| m.layer))
        };
        of.retain(|other| !same(other));
        if of.len() >= MOST_A_TOKEN {
            of.remove(0);
        }
        of.push(Arc::new(event.clone()));
    }

    pub(super) fn lens(&mut self, event: &LensEvent) {
        self.lens.insert(event.position, Arc::new(event.clone()));
    }
}
