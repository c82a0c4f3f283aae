package release

import "fmt"

// machines are the names of architectures in the tags of wheels, by operating system. Each
// system has its own.
var machines = map[string]map[string]string{
	"linux":   {"amd64": "x86_64", "arm64": "aarch64"},
	"darwin":  {"amd64": "x86_64", "arm64": "arm64"},
	"windows": {"amd64": "amd64", "arm64": "arm64"},
}

// platforms returns the platform tags of the wheel of a program
// (packaging.python.org, platform compatibility tags). A program for Linux needs no C
// library. So it has the tags of the oldest of each kind that installers know, and runs on
// every distribution.
func (p *Program) platforms() ([]string, error) {
	machine := machines[p.OS][p.Arch]
	if machine == "" {
		return nil, fmt.Errorf("there is no wheel for %s/%s", p.OS, p.Arch)
	}
	switch p.OS {
	case "darwin":
		major, minor, err := p.oldestMacOS()
		if err != nil {
			return nil, err
		}
		return []string{fmt.Sprintf("macosx_%d_%d_%s", major, minor, machine)}, nil
	case "windows":
		return []string{"win_" + machine}, nil
	}
	return []string{"manylinux_2_17_" + machine, "manylinux2014_" + machine, "musllinux_1_1_" + machine}, nil
}
