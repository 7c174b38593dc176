//! Route tables and their associations.

use super::{dependent, done, find, find_mut, tags_for};
use crate::{
    clock::Moment,
    cloud::{
        Associated, Association, AssociationId, Cloud, InternetGatewayId, RouteTable, RouteTableId, Tags, VpcId,
        answer::Refusal, parameters::Parameters, shape::Record,
    },
};

pub(super) fn create(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let vpc: VpcId = parameters.required_id("VpcId")?;
    find(&cloud.resources.vpcs, &vpc)?;
    let tags = tags_for(parameters, "route-table")?;
    let table = cloud.new_table(vpc, tags);
    let stopped_target = cloud.settings.stopped_target;
    let answer = table.shape(&cloud.resources, &cloud.account, stopped_target);
    cloud.resources.route_tables.insert(table.id.clone(), table);
    Ok(Record::new().with("routeTable", answer).with("clientToken", parameters.text("ClientToken").unwrap_or_default()))
}

pub(super) fn delete(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: RouteTableId = parameters.required_id("RouteTableId")?;
    if !find(&cloud.resources.route_tables, &id)?.associations.is_empty() {
        return Err(dependent("routeTable", &id));
    }
    cloud.resources.route_tables.remove(&id);
    Ok(done())
}

pub(super) fn associate(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let table: RouteTableId = parameters.required_id("RouteTableId")?;
    find(&cloud.resources.route_tables, &table)?;
    let with = match parameters.id("SubnetId")? {
        Some(subnet) => {
            let vpc = &find(&cloud.resources.subnets, &subnet)?.vpc;
            if *vpc != find(&cloud.resources.route_tables, &table)?.vpc {
                let message = format!("Route table {table} and subnet {subnet} belong to different networks");
                return Err(Refusal::new("InvalidParameterValue", message));
            }
            Associated::Subnet(subnet)
        }
        None => {
            let gateway: InternetGatewayId = parameters.required_id("GatewayId")?;
            find(&cloud.resources.internet_gateways, &gateway).map(|_| Associated::Gateway(gateway))?
        }
    };
    if cloud.associations().any(|association| association.with == with) {
        let message =
            format!("the specified association for route table {table} conflicts with an existing association");
        return Err(Refusal::new("Resource.AlreadyAssociated", message));
    }
    let id = cloud.put_in_force(&table, with)?;
    Ok(Record::new().with("associationId", &id).with("associationState", state("associated")))
}

pub(super) fn disassociate(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: AssociationId = parameters.required_id("AssociationId")?;
    if cloud.association(&id)?.with == Associated::Main {
        let message = format!("cannot disassociate the main route table association {id}");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    cloud.take_out_of_force(&id);
    Ok(done().with("associationState", state("disassociating")))
}

/// On the main association this changes the main table of the VPC.
pub(super) fn replace_association(cloud: &mut Cloud, parameters: &Parameters, _: Moment) -> Result<Record, Refusal> {
    let id: AssociationId = parameters.required_id("AssociationId")?;
    let table: RouteTableId = parameters.required_id("RouteTableId")?;
    find(&cloud.resources.route_tables, &table)?;
    let with = cloud.association(&id)?.with.clone();
    cloud.take_out_of_force(&id);
    let id = cloud.put_in_force(&table, with)?;
    Ok(Record::new().with("newAssociationId", &id).with("associationState", state("associated")))
}

impl Cloud {
    /// A table without routes, which is not among the others yet.
    pub(super) fn new_table(&mut self, vpc: VpcId, tags: Tags) -> RouteTable {
        RouteTable { id: self.resource_ids.id(), vpc, routes: vec![], associations: vec![], tags }
    }

    fn associations(&self) -> impl Iterator<Item = &Association> {
        self.resources.route_tables.values().flat_map(|table| &table.associations)
    }

    fn association(&self, id: &AssociationId) -> Result<&Association, Refusal> {
        let found = self.associations().find(|association| association.id == *id);
        found.ok_or_else(|| Refusal::not_found::<AssociationId>(id))
    }

    pub(super) fn put_in_force(&mut self, table: &RouteTableId, with: Associated) -> Result<AssociationId, Refusal> {
        let id: AssociationId = self.resource_ids.id();
        let table: &mut RouteTable = find_mut(&mut self.resources.route_tables, table)?;
        table.associations.push(Association { id: id.clone(), with });
        Ok(id)
    }

    fn take_out_of_force(&mut self, id: &AssociationId) {
        for table in self.resources.route_tables.values_mut() {
            table.associations.retain(|association| association.id != *id);
        }
    }
}

fn state(name: &str) -> Record {
    Record::new().with("state", name)
}
