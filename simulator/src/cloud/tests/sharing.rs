//! Security groups in other VPCs than their own.

use super::*;

#[test]
fn a_group_is_used_in_another_vpc_while_it_is_associated() {
    let mut cloud = world();
    let made = ok(&mut cloud, &["Action=CreateVpc", "CidrBlock=10.77.0.0/16"]);
    let other = made.at(&["vpc", "vpcId"]).unwrap().text.clone();
    let vpc = format!("VpcId={other}");
    let made = ok(&mut cloud, &["Action=CreateSubnet", &vpc, "CidrBlock=10.77.1.0/24"]);
    let subnet = format!("SubnetId={}", made.at(&["subnet", "subnetId"]).unwrap().text);
    let home = format!("VpcId={VPC}");
    let made = ok(&mut cloud, &["Action=CreateSecurityGroup", &home, "GroupName=shared", "GroupDescription=x"]);
    let id = made.child_text("groupId").unwrap().to_owned();
    let (group, used) = (format!("GroupId={id}"), format!("SecurityGroupId.1={id}"));
    let interface = ["Action=CreateNetworkInterface", &subnet, &used];
    assert_eq!(code(&mut cloud, &interface), "InvalidParameter");

    let coming = ok(&mut cloud, &["Action=AssociateSecurityGroupVpc", &group, &vpc]);
    assert_eq!(coming.child_text("state"), Some("associating"));
    let listed = ok(
        &mut cloud,
        &["Action=DescribeSecurityGroupVpcAssociations", "Filter.1.Name=vpc-id", &format!("Filter.1.Value.1={other}")],
    );
    let item = listed.at(&["securityGroupVpcAssociationSet", "item"]).unwrap();
    assert_eq!((item.child_text("groupId"), item.child_text("state")), (Some(id.as_str()), Some("associated")));
    let usable = ok(
        &mut cloud,
        &["Action=GetSecurityGroupsForVpc", &vpc, "Filter.1.Name=group-name", "Filter.1.Value.1=shared"],
    );
    let item = usable.at(&["securityGroupForVpcSet", "item"]).unwrap();
    assert_eq!((item.child_text("groupId"), item.child_text("primaryVpcId")), (Some(id.as_str()), Some(VPC)));

    let made = ok(&mut cloud, &interface);
    let leave = ["Action=DisassociateSecurityGroupVpc", &group, &vpc];
    assert_eq!(code(&mut cloud, &leave), "DependencyViolation");
    let made = made.at(&["networkInterface", "networkInterfaceId"]).unwrap().text.clone();
    ok(&mut cloud, &["Action=DeleteNetworkInterface", &format!("NetworkInterfaceId={made}")]);
    assert_eq!(ok(&mut cloud, &leave).child_text("state"), Some("disassociating"));
    assert_eq!(code(&mut cloud, &leave), "InvalidParameterValue");
    assert_eq!(code(&mut cloud, &interface), "InvalidParameter");
}

#[test]
fn a_group_is_not_associated_with_its_own_vpc_and_no_default_group_with_any() {
    let mut cloud = world();
    let made = ok(&mut cloud, &["Action=CreateVpc", "CidrBlock=10.77.0.0/16"]);
    let vpc = format!("VpcId={}", made.at(&["vpc", "vpcId"]).unwrap().text);
    let made = ok(&mut cloud, &["Action=CreateSecurityGroup", &vpc, "GroupName=own", "GroupDescription=x"]);
    let own = format!("GroupId={}", made.child_text("groupId").unwrap());
    assert_eq!(code(&mut cloud, &["Action=AssociateSecurityGroupVpc", &own, &vpc]), "InvalidParameterValue");
    let filters = ["Filter.1.Name=group-name", "Filter.1.Value.1=default", "Filter.2.Name=vpc-id"];
    let of_vpc = vpc.replace("VpcId", "Filter.2.Value.1");
    let groups = ok(&mut cloud, &[&["Action=DescribeSecurityGroups"][..], &filters, &[of_vpc.as_str()]].concat());
    let default = groups.at(&["securityGroupInfo", "item", "groupId"]).unwrap();
    let default = format!("GroupId={}", default.text);
    let home = format!("VpcId={VPC}");
    assert_eq!(code(&mut cloud, &["Action=AssociateSecurityGroupVpc", &default, &home]), "InvalidParameterValue");
    assert_eq!(
        code(&mut cloud, &["Action=GetSecurityGroupsForVpc", "VpcId=vpc-0123456789abcdef0"]),
        "InvalidVpcID.NotFound"
    );
    assert_eq!(code(&mut cloud, &["Action=GetSecurityGroupsForVpc"]), "MissingParameter");
}
