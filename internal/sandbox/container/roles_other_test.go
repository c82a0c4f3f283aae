//go:build !linux

package container

func roles() map[string]func() error { return nil }
