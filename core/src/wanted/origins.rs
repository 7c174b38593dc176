//! Who wants an atom: one, mostly.

use crate::id::{GroupId, InstanceId, InterfaceId, RuleName, VpcId};

/// Who wants an atom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The group whose permission says so.
    pub group: GroupId,
    /// The interface that has the address.
    pub interface: InterfaceId,
    /// The instance it is attached to.
    pub instance: Option<InstanceId>,
    /// Its VPC.
    pub vpc: VpcId,
    /// The NAT rule that leads there, where the firewall translates destinations.
    pub nat: Option<RuleName>,
}

/// All who want an atom, in order, each once. A list without room to spare: most hold one, and there are as many as atoms.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origins(Vec<Origin>);

impl Origins {
    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Origin> {
        self.0.iter()
    }

    /// The first.
    pub fn first(&self) -> Option<&Origin> {
        self.0.first()
    }

    /// Whether nobody wants it.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one, if it is new.
    pub fn insert(&mut self, origin: Origin) {
        if let Err(place) = self.0.binary_search(&origin) {
            self.0.reserve_exact(1);
            self.0.insert(place, origin);
        }
    }
}

impl Extend<Origin> for Origins {
    fn extend<I: IntoIterator<Item = Origin>>(&mut self, origins: I) {
        origins.into_iter().for_each(|origin| self.insert(origin));
    }
}

impl FromIterator<Origin> for Origins {
    fn from_iter<I: IntoIterator<Item = Origin>>(origins: I) -> Self {
        let mut all = Self::default();
        all.extend(origins);
        all
    }
}

impl IntoIterator for Origins {
    type Item = Origin;
    type IntoIter = std::vec::IntoIter<Origin>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'o> IntoIterator for &'o Origins {
    type Item = &'o Origin;
    type IntoIter = std::slice::Iter<'o, Origin>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
