package sts

import "context"

// Devices asks IAM for the serials of the MFA devices of the user whose key it
// is (AWS IAM API Reference, ListMFADevices). endpoint is the URL that is
// configured for IAM, "" for AWS's own in the partition of that name.
func (c *AWS) Devices(ctx context.Context, with Credentials, partition, endpoint string) ([]string, error) {
	var said struct {
		Serials []string `xml:"ListMFADevicesResult>MFADevices>member>SerialNumber"`
	}
	if err := c.IAM(ctx, with, partition, endpoint, ListMFADevices, nil, &said); err != nil {
		return nil, err
	}
	for i, serial := range said.Serials {
		said.Serials[i] = printable(serial)
	}
	return said.Serials, nil
}
