//go:build !linux

package container

import "errors"

// memoryGroup stands in for control groups, which only Linux has.
type memoryGroup struct{}

const cgroups = ""

func newMemoryGroup(string, string, int64) (*memoryGroup, error) {
	return nil, errors.New("this system has no cgroups")
}

func (*memoryGroup) join(int) error { return nil }
func (*memoryGroup) holds() bool    { return false }
func (*memoryGroup) killed() bool   { return false }
func (*memoryGroup) remove()        {}
