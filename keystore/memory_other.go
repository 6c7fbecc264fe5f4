//go:build !linux

package keystore

func makeRoom(int) {}
