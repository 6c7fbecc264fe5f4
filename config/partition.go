package config

import "strings"

// A Partition is a group of regions with accounts and names of its own (AWS
// General Reference, page "Amazon Resource Names"). Hosts that AWS does not
// publish are empty.
type Partition struct {
	Name      string // as in an ARN
	Suffix    string // of the names of services: sts.REGION.Suffix
	DualStack string // the same for names with IPv6 addresses too
	STSRegion string // whose STS to ask where no region is set
	SignIn    string // host of the federation endpoint
	Console   string // host of the AWS console
	regions   []string
}

// partitions is the table. An isolated partition must stand before the one
// whose regions begin in the same way.
var partitions = []Partition{
	{"aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1", "signin.amazonaws-us-gov.com", "console.amazonaws-us-gov.com", []string{"us-gov-"}},
	{"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1", "signin.amazonaws.cn", "console.amazonaws.cn", []string{"cn-"}},
	{"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1", "signin.amazonaws-eusc.eu", "console.amazonaws-eusc.eu", []string{"eusc-"}},
	{"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1", "", "", []string{"us-iso-"}},
	{"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1", "", "", []string{"us-isob-"}},
	{"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1", "", "", []string{"eu-isoe-"}},
	{"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1", "", "", []string{"us-isof-"}},
	{"aws", "amazonaws.com", "api.aws", "us-east-1", "signin.aws.amazon.com", "console.aws.amazon.com",
		[]string{"us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"}},
}

// Host returns the host of a service in a region: sts.eu-west-1.amazonaws.com.
func (p Partition) Host(service, region string) string {
	return service + "." + region + "." + p.Suffix
}

// PartitionOf returns the partition with that name.
func PartitionOf(name string) (Partition, bool) {
	for _, p := range partitions {
		if p.Name == name {
			return p, true
		}
	}
	return Partition{}, false
}

// PartitionOfARN returns the partition that an ARN names.
func PartitionOfARN(arn string) (Partition, bool) {
	rest, ok := strings.CutPrefix(arn, "arn:")
	if !ok {
		return Partition{}, false
	}
	name, _, ok := strings.Cut(rest, ":")
	if !ok {
		return Partition{}, false
	}
	return PartitionOf(name)
}

// PartitionOfRegion returns the partition that a region lies in, by how its
// name begins; regions that are newer than this table are found too.
func PartitionOfRegion(region string) (Partition, bool) {
	for _, p := range partitions {
		for _, prefix := range p.regions {
			if strings.HasPrefix(region, prefix) && len(region) > len(prefix) {
				return p, true
			}
		}
	}
	return Partition{}, false
}
