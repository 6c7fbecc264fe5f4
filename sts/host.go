package sts

// IAMHost returns the host of IAM in a partition.
func IAMHost(partition string) string {
	host, _ := iam(partition)
	return host
}
