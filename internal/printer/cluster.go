package printer

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/slipway-ci/slipway/tasks/report"
)

// textCluster writes the state of the cluster: first what one line says, then tables, then
// what is not visible.
func textCluster(w *page, r *report.Result) {
	c := r.Cluster
	if c == nil {
		return
	}
	switch {
	case c.Name == "":
		w.line("slipway.yaml names no cluster")
	case c.Server == "":
		w.line("cluster %s, namespace %s", c.Name, c.Namespace)
	default:
		w.line("cluster %s (%s), namespace %s", c.Name, c.Server, c.Namespace)
	}
	fact(w, "you are", c.User)
	fact(w, "a deploy may", rightsLine(c.Rights))
	fact(w, "polyaxon", polyaxonLine(c.Polyaxon))
	for i := range c.Releases {
		fact(w, "release", releaseLine(&c.Releases[i]))
	}
	fact(w, "volume", volumeLine(c.Volume))
	fact(w, "mlflow", mlflowLine(c.MLflow))
	textConnections(w, c)
	textClusterSecrets(w, c)
	textPools(w, c)
	for _, h := range c.Hidden {
		if h.Needs != "" {
			w.line("not visible: %s (needs %s)", h.What, h.Needs)
		} else {
			w.line("not visible: %s (%s)", h.What, h.Reason)
		}
	}
}

// fact writes a line with a name and a text. It writes nothing if the text is empty.
func fact(w *page, name, text string) {
	if text != "" {
		w.line("  %-12s  %s", name, text)
	}
}

// rightsLine says which rights are missing.
func rightsLine(rights []report.Right) string {
	var missing, useful, unknown []string
	for _, r := range rights {
		text := strings.TrimSpace(r.Verb + " " + r.Resource + " " + strings.Join(r.Names, ", "))
		switch {
		case r.Allowed == nil:
			unknown = append(unknown, text)
		case *r.Allowed:
		case r.Optional:
			useful = append(useful, text)
		default:
			missing = append(missing, text+" ("+r.For+")")
		}
	}
	var parts []string
	switch {
	case len(rights) == 0:
		return ""
	case len(missing) > 0:
		parts = append(parts, "not: "+strings.Join(missing, ", "))
	case len(unknown) == 0:
		parts = append(parts, "do all that it must")
	}
	if len(useful) > 0 {
		parts = append(parts, "not, but need not: "+strings.Join(useful, ", "))
	}
	if len(unknown) > 0 {
		parts = append(parts, "unknown: "+strings.Join(unknown, ", "))
	}
	return strings.Join(parts, "; ")
}

func polyaxonLine(p *report.ClusterPolyaxon) string {
	if p == nil {
		return ""
	}
	parts := []string{"no answer"}
	if p.Version != "" {
		parts[0] = p.Version
		if p.Dist != "" {
			parts[0] += " (" + p.Dist + ")"
		}
	}
	if p.Healthy != nil && *p.Healthy {
		parts = append(parts, "healthy")
	}
	if len(p.Unready) > 0 {
		parts = append(parts, "not ready: "+strings.Join(p.Unready, ", "))
	}
	if p.Host != "" {
		parts = append(parts, p.Host)
	}
	return strings.Join(parts, ", ")
}

func releaseLine(r *report.Release) string {
	parts := []string{r.Name, r.Chart}
	if r.AppVersion != "" {
		parts = append(parts, "app "+r.AppVersion)
	}
	if r.Status != "" {
		parts = append(parts, r.Status)
	}
	if r.Revision > 0 {
		parts = append(parts, fmt.Sprintf("revision %d", r.Revision))
	}
	if r.Updated != nil {
		parts = append(parts, r.Updated.Format("2006-01-02 15:04"))
	}
	return strings.Join(parts, ", ")
}

func volumeLine(v *report.ClusterVolume) string {
	if v == nil {
		return ""
	}
	if v.Directory != "" {
		return v.Directory
	}
	parts := []string{"claim " + v.Claim}
	if v.Connection != "" {
		parts[0] += " of connection " + v.Connection
	}
	for _, text := range []string{v.Phase, v.Size, strings.Join(v.Access, "+"), v.Class} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	if v.Used != nil && v.Capacity != nil {
		parts = append(parts, fmt.Sprintf("%s of %s used", Bytes(*v.Used), Bytes(*v.Capacity)))
	}
	return strings.Join(parts, ", ")
}

func mlflowLine(s *report.ClusterService) string {
	switch {
	case s == nil:
		return ""
	case s.Configured:
		return "service " + s.Name + ", " + s.Address
	}
	return "service " + s.Name + ", " + s.Address + " (mlflow.tracking-uri of slipway.yaml does not name it)"
}

func textConnections(w *page, c *report.Cluster) {
	if len(c.Connections) == 0 {
		return
	}
	table := w.table(column{title: "CONNECTION", cut: 3}, column{title: "KIND", spare: 1}, column{title: "MOUNT"}, column{title: "SOURCE", cut: 1}, column{title: "SECRET", cut: 2, spare: 2})
	for _, one := range c.Connections {
		kind, mount := one.Kind, one.Mount
		if one.Store {
			kind = strings.TrimSpace(kind + " (artifacts)")
		}
		if one.ReadOnly {
			mount += " (read-only)"
		}
		table.row(one.Name, kind, mount, one.Source, one.Secret)
	}
	table.end()
}

func textClusterSecrets(w *page, c *report.Cluster) {
	if len(c.Secrets) == 0 {
		return
	}
	table := w.table(column{title: "SECRET", cut: 1}, column{title: "STATE"}, column{title: "WHY", below: true})
	for _, s := range c.Secrets {
		why := s.Reason
		if len(s.Differs) > 0 {
			why = strings.Join(s.Differs, ", ") + " differs"
			if len(s.Differs) > 1 {
				why = strings.TrimSuffix(why, "s")
			}
		}
		table.row(s.Name, s.State, why)
	}
	table.end()
}

func textPools(w *page, c *report.Cluster) {
	if len(c.Pools) == 0 {
		return
	}
	table := w.table(column{title: "POOL", cut: 1}, column{title: "GPU", cut: 2}, column{title: "NODES"}, column{title: "GPUS"}, column{title: "FREE"}, column{title: "TAINTS", below: true})
	for _, p := range c.Pools {
		nodes, free := strconv.Itoa(p.Nodes), "unknown"
		if p.Unready > 0 {
			nodes += fmt.Sprintf(" (+%d not ready)", p.Unready)
		}
		if p.Free != nil {
			free = strconv.FormatInt(*p.Free, 10)
		}
		model := p.Type
		if model == "" {
			model = p.Resource
		}
		table.row(p.Name, model, nodes, strconv.FormatInt(p.GPUs, 10), free, strings.Join(p.Taints, ", "))
	}
	table.end()
}
