package wheel

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The order is that of the tags that pip 23.2 has for Python 3.11 on these platforms.
func TestRank(t *testing.T) {
	target := linux(t, "3.11", "linux/amd64")
	want := strings.Fields(`
		cp311-cp311-manylinux_2_28_x86_64 cp311-cp311-manylinux_2_17_x86_64 cp311-cp311-manylinux2014_x86_64 cp311-cp311-linux_x86_64
		cp311-abi3-manylinux_2_28_x86_64 cp311-none-manylinux_2_28_x86_64 cp310-abi3-manylinux_2_28_x86_64 cp39-abi3-manylinux_2_17_x86_64
		py311-none-manylinux_2_17_x86_64 py3-none-manylinux_2_28_x86_64 py3-none-manylinux_2_17_x86_64 py310-none-manylinux_2_28_x86_64
		cp311-none-any py311-none-any py3-none-any py310-none-any py39-none-any cp312-cp312-linux_x86_64`)
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortStableFunc(got, func(a, b string) int { return target.rank("a-1-"+a+".whl") - target.rank("a-1-"+b+".whl") })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if target.rank("a-1-py2.py3-none-any.whl") != target.rank("a-1-py3-none-any.whl") {
		t.Error("a wheel with many tags has not the rank of its best one")
	}
}
