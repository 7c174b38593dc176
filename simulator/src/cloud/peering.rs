//! Ways from one VPC to another: peering connections and transit gateways.

use super::{
    Resources, Tags,
    ids::{PeeringId, SubnetId, TransitAttachmentId, TransitGatewayId, VpcId},
    network::tags,
    shape::{Record, Shape},
};
use crate::clock::Moment;

/// A peering connection between two VPCs.
#[derive(Clone, Debug)]
pub struct Peering {
    /// Its id.
    pub id: PeeringId,
    /// The VPC whose owner asked for it.
    pub requester: VpcId,
    /// The VPC whose owner was asked.
    pub accepter: VpcId,
    /// What has become of it.
    pub state: PeeringState,
    /// Its tags.
    pub tags: Tags,
}

/// How far a peering connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeeringState {
    /// Asked for.
    PendingAcceptance,
    /// In force.
    Active,
    /// Refused.
    Rejected,
    /// Over.
    Deleted,
}

impl PeeringState {
    /// EC2's word for it, and its comment.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::PendingAcceptance => ("pending-acceptance", "Pending Acceptance"),
            Self::Active => ("active", "Active"),
            Self::Rejected => ("rejected", "Rejected"),
            Self::Deleted => ("deleted", "Deleted"),
        }
    }
}

impl Peering {
    pub(super) fn is_active(&self) -> bool {
        self.state == PeeringState::Active
    }

    pub(super) fn shape(&self, resources: &Resources, owner: &str, region: &str) -> Record {
        let (code, message) = self.state.words();
        let side = |id: &VpcId| side(id, resources, owner, region);
        Record::new()
            .with("vpcPeeringConnectionId", &self.id)
            .with("requesterVpcInfo", side(&self.requester))
            .with("accepterVpcInfo", side(&self.accepter))
            .with("status", Record::new().with("code", code).with("message", message))
            .renamed("tagSet", "Tags", tags(&self.tags))
    }
}

fn side(id: &VpcId, resources: &Resources, owner: &str, region: &str) -> Record {
    let record = Record::new().with("ownerId", owner).with("vpcId", id).with("region", region);
    let Some(vpc) = resources.vpcs.get(id) else { return record };
    let cidrs = vpc.cidrs.iter().map(|cidr| Record::new().with("cidrBlock", cidr.cidr));
    let ipv6_cidrs = vpc.ipv6_cidrs.iter().map(|cidr| Record::new().with("ipv6CidrBlock", cidr.cidr));
    record
        .maybe("cidrBlock", vpc.cidrs.first().map(|first| first.cidr))
        .with("cidrBlockSet", Shape::from_iter(cidrs))
        .with("ipv6CidrBlockSet", Shape::from_iter(ipv6_cidrs))
}

/// A transit gateway.
#[derive(Clone, Debug)]
pub struct TransitGateway {
    /// Its id.
    pub id: TransitGatewayId,
    /// What somebody wrote about it.
    pub description: String,
    /// Since when it is there.
    pub created: Moment,
    /// Its tags.
    pub tags: Tags,
}

impl TransitGateway {
    pub(super) fn shape(&self, owner: &str, region: &str) -> Record {
        Record::new()
            .with("transitGatewayId", &self.id)
            .with("transitGatewayArn", format!("arn:aws:ec2:{region}:{owner}:transit-gateway/{}", self.id))
            .with("state", "available")
            .with("ownerId", owner)
            .with("description", &self.description)
            .with("creationTime", self.created)
            .renamed("tagSet", "Tags", tags(&self.tags))
    }
}

/// A VPC at a transit gateway.
#[derive(Clone, Debug)]
pub struct TransitAttachment {
    /// Its id.
    pub id: TransitAttachmentId,
    /// The gateway.
    pub gateway: TransitGatewayId,
    /// The VPC.
    pub vpc: VpcId,
    /// The subnets through which packets come and go.
    pub subnets: Vec<SubnetId>,
    /// Since when it is there.
    pub created: Moment,
    /// Its tags.
    pub tags: Tags,
}

impl TransitAttachment {
    pub(super) fn shape(&self, owner: &str) -> Record {
        Record::new()
            .with("transitGatewayAttachmentId", &self.id)
            .with("transitGatewayId", &self.gateway)
            .with("vpcId", &self.vpc)
            .with("vpcOwnerId", owner)
            .with("state", "available")
            .with("subnetIds", Shape::from_iter(&self.subnets))
            .with("creationTime", self.created)
            .renamed("tagSet", "Tags", tags(&self.tags))
    }
}
