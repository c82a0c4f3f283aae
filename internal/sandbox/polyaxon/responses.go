package polyaxon

import "time"

// Responses contain a run in three forms, each with all fields of 2.18, since Polyaxon's
// own client reads fields without checking for them. Other releases lack some.

// form is a kind of response.
type form int

const (
	formCreated  form = iota // a run, in response to its creation
	formRun                  // an existing run
	formProject              // a project
	formStatuses             // a run's statuses
)

// omitMissing removes the fields that the release does not have from a response.
func (d *dialect) omitMissing(f form, answer map[string]any) map[string]any {
	for _, name := range d.lacks[f] {
		delete(answer, name)
	}
	return answer
}

// viewOfCreated is the response to the creation of a run.
func viewOfCreated(r record) map[string]any {
	return map[string]any{
		"uuid": r.UUID, "kind": r.Kind, "name": r.Name, "description": null(r.Description), "content": r.Content,
		"is_managed": r.ManagedBy == "agent", "managed_by": r.ManagedBy, "pending": null(r.Pending), "meta_info": orEmpty(r.MetaInfo),
		"tags": r.Tags, "settings": map[string]any{},
	}
}

// viewOfItem is a run in a list.
func viewOfItem(r record, namespace string) map[string]any {
	v := map[string]any{
		"uuid": r.UUID, "name": r.Name, "kind": r.Kind, "runtime": r.Runtime, "status": r.Status, "pending": null(r.Pending),
		"is_managed": r.ManagedBy == "agent", "managed_by": r.ManagedBy, "meta_info": orEmpty(r.MetaInfo), "tags": r.Tags,
		"inputs": r.Inputs, "outputs": r.Outputs, "original": r.Original, "pipeline": nil,
		"created_at": stamp(r.CreatedAt), "updated_at": stamp(r.UpdatedAt), "started_at": stamp(r.StartedAt), "finished_at": stamp(r.FinishedAt),
		"schedule_at": nil, "duration": nil, "wait_time": nil, "user": nil, "owner": owner, "project": r.Project, "bookmarked": false,
		"settings":  map[string]any{"namespace": namespace, "component": nil},
		"resources": map[string]float64{"memory": 0, "cpu": 0, "gpu": 0, "custom": 0, "cost": 0},
	}
	if !r.StartedAt.IsZero() {
		v["wait_time"] = r.StartedAt.Sub(r.CreatedAt).Seconds()
		if !r.FinishedAt.IsZero() {
			v["duration"] = r.FinishedAt.Sub(r.StartedAt).Seconds()
		}
	}
	return v
}

// viewOfRun is a run with all its fields.
func viewOfRun(r record, namespace string) map[string]any {
	v := viewOfItem(r, namespace)
	v["settings"] = map[string]any{
		"namespace": namespace, "component": nil, "agent": nil, "queue": nil, "artifacts_store": nil, "tensorboard": nil, "build": nil,
		"models": []any{}, "artifacts": []any{},
	}
	v["description"], v["readme"], v["content"], v["raw_content"], v["live_state"] = null(r.Description), nil, r.Content, r.RawContent, 1
	if r.Deleted {
		v["live_state"] = -1
	}
	return v
}

// viewOfProject is a project, in a list and alone.
func viewOfProject(p *project) map[string]any {
	return map[string]any{
		"uuid": p.UUID, "name": p.Name, "description": null(p.Description), "tags": p.Tags, "user": nil, "created_at": stamp(p.CreatedAt),
		"updated_at": stamp(p.CreatedAt), "bookmarked": false, "readme": nil, "live_state": 1,
	}
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func null(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}
