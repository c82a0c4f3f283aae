package polyaxon

import (
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/polyaxonfile/compile"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/schema"
)

// dialect is what a server of one release of Polyaxon does otherwise than one of
// another. Beside it only the files
// whose names end in a release know releases.
type dialect struct {
	// version is what operations are compiled for, and installation the answer to the
	// handshake.
	version      schema.Version
	installation map[string]string
	// routes adds those that not every release has.
	routes func(s *Server, m *router)
	// basic: a request with `Authorization: Basic` is refused.
	basic bool
	// speechless: a question that it fails at is answered with an empty page.
	speechless bool

	// manager tells who sees to a run: the agent, the cli, which only compiles it, or
	// the user.
	manager func(body *createBody) string
	// operation reads an operation. One that is refused gives what the server says.
	operation func(content string) (compiled *compile.Compiled, refused []string)
	// tagsHeld: tags that are no list are refused.
	tagsHeld bool
	// waitsCompiled: a run that waits for an upload is compiled meanwhile.
	waitsCompiled bool
	// approvedTwice: a run whose operation says isApproved: false takes two approvals,
	// of which the first compiles it.
	approvedTwice bool
	// submitted is the reason and the message of a run that is scheduled.
	submitted [2]string

	// lacks are the fields that its answers do not have, by form.
	lacks map[form][]string
	// cloned is what restart and copy answer, and resumed what resume does.
	cloned, resumed func(r record, namespace string) map[string]any
	// forgets: a run that was deleted is not told any more.
	forgets bool
	// listed says how lists are cut and sent.
	listed listing
	// queries are the fields that runs can be looked for by.
	queries map[string]func(record) []string

	// lines gives a run's lines among its artifacts: a directory of this machine.
	lines func(s *Server, run record) (dir string, err error)
	// logs answers with lines.
	logs func(s *Server, query logQuery, answer *lineList) error
	// packedName: the names in a packed directory begin with its own.
	packedName bool
	// unpacked is where an archive goes that names no directory.
	unpacked string

	// gateways are the prefixes of paths to services. The port follows the run in the
	// path where ported is set; else there is one port.
	gateways []string
	ported   bool
}

func dialects() []*dialect { return []*dialect{release1113(), release218()} }

// Releases gives the releases of Polyaxon that a server can be of, oldest first. The
// last is what it is when nothing else is said.
func Releases() []string {
	var all []string
	for _, d := range dialects() {
		all = append(all, strings.TrimSuffix(d.version.String(), ".0"))
	}
	return all
}

// dialectOf gives the dialect of a release as Releases names it; "" is the newest.
func dialectOf(release string) (*dialect, error) {
	known := Releases()
	if release == "" {
		release = known[len(known)-1]
	}
	n := slices.Index(known, release)
	if n < 0 {
		return nil, fmt.Errorf("the sandbox can be Polyaxon %s, and not %s", strings.Join(known, " or "), release)
	}
	return dialects()[n], nil
}
