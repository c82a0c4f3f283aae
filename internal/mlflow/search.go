package mlflow

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/bounded"
)

const (
	// maxExperiments is how many experiments are searched at most. A server changes the time of an experiment only
	// when somebody renames, deletes or restores it, so that no order tells which ones have the newest runs.
	maxExperiments = 20_000
	// manyExperiments is how many experiments one question names, which is the most that MLflow lists in one
	// answer. Databricks takes fewExperiments.
	manyExperiments, fewExperiments = 1000, 100
	// pageSize is how many runs one answer has at most.
	pageSize = 100
	// maxParents is how many runs are asked for by their ids.
	maxParents = 200
)

// Runs returns the newest runs that have all of the tags, at most limit and oldest first, and whether there are more.
// If there are, it adds the runs with the tags in which those are nested, since they started before them.
func (c *Client) Runs(ctx context.Context, tags map[string]string, limit int) (all []Run, more bool, err error) {
	experiments, err := c.experiments(ctx)
	if err != nil {
		return nil, false, err
	}
	for some := range slices.Chunk(experiments, manyExperiments) {
		found, cut, err := c.runsIn(ctx, some, tags, limit)
		if err != nil {
			return nil, false, err
		}
		all, more = append(all, found...), more || cut
	}
	newestFirst(all)
	if len(all) > limit {
		all, more = all[:limit], true
	}
	if more {
		parents, err := c.parents(ctx, all, tags)
		if err != nil {
			return nil, false, err
		}
		all = append(all, parents...)
		newestFirst(all)
	}
	slices.Reverse(all)
	return all, more, nil
}

func newestFirst(all []Run) {
	slices.SortStableFunc(all, func(a, b Run) int { return cmp.Compare(b.Started, a.Started) })
}

// experiments returns the ids of all experiments, at most maxExperiments.
func (c *Client) experiments(ctx context.Context) (ids []string, err error) {
	question := map[string]any{"max_results": manyExperiments, "order_by": []string{"last_update_time DESC"}}
	for len(ids) < maxExperiments {
		var page struct {
			Experiments []struct {
				ID string `json:"experiment_id"`
			} `json:"experiments"`
			Next string `json:"next_page_token"`
		}
		if err := c.post(ctx, "experiments/search", question, &page); err != nil {
			return nil, err
		}
		for _, e := range page.Experiments {
			ids = append(ids, e.ID)
		}
		if page.Next == "" || len(page.Experiments) == 0 {
			break
		}
		question["page_token"] = page.Next
	}
	return ids, nil
}

// runsIn returns the newest runs of experiments that have all of the tags, the newest first, and whether there are
// more. It asks for less at once if an answer is too large, as that for runs with long params may be, or if the
// server does not take that many experiments.
func (c *Client) runsIn(ctx context.Context, experiments []string, tags map[string]string, limit int) (all []Run, more bool, err error) {
	var conditions []string
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		conditions = append(conditions, "tags.`"+name+"` = '"+tags[name]+"'")
	}
	size := pageSize
	question := map[string]any{"experiment_ids": experiments, "filter": strings.Join(conditions, " and "), "order_by": []string{"attributes.start_time DESC"}}
	for len(all) < limit {
		var page struct {
			Runs []answeredRun `json:"runs"`
			Next string        `json:"next_page_token"`
		}
		question["max_results"] = size
		err := c.post(ctx, "runs/search", question, &page)
		switch refused := new(StatusError); {
		case errors.As(err, new(*bounded.SizeError)) && size > 1:
			size /= 2
			continue
		case errors.As(err, &refused) && refused.Code == invalidValue && len(experiments) > fewExperiments:
			return c.runsInFew(ctx, experiments, tags, limit)
		case err != nil:
			return nil, false, err
		}
		for n := range page.Runs {
			all = append(all, page.Runs[n].run())
		}
		if more = page.Next != "" && len(page.Runs) > 0; !more {
			break
		}
		question["page_token"] = page.Next
	}
	return all, more, nil
}

// invalidValue is the code of the answer to a question that asks for too much.
const invalidValue = "INVALID_PARAMETER_VALUE"

// runsInFew is runsIn for a server that takes few experiments in one question.
func (c *Client) runsInFew(ctx context.Context, experiments []string, tags map[string]string, limit int) (all []Run, more bool, err error) {
	for some := range slices.Chunk(experiments, fewExperiments) {
		found, cut, err := c.runsIn(ctx, some, tags, limit)
		if err != nil {
			return nil, false, err
		}
		all, more = append(all, found...), more || cut
	}
	newestFirst(all)
	return all, more, nil
}

// parents returns the runs with the tags in which runs are nested, and which are not among these.
func (c *Client) parents(ctx context.Context, runs []Run, tags map[string]string) (all []Run, err error) {
	known := map[string]bool{"": true}
	for n := range runs {
		known[runs[n].ID] = true
	}
	for queue := slices.Clone(runs); len(queue) > 0 && len(all) < maxParents; queue = queue[1:] {
		id := queue[0].Tags[parentTag]
		if known[id] {
			continue
		}
		known[id] = true
		var answer struct {
			Run answeredRun `json:"run"`
		}
		err := c.send(ctx, http.MethodGet, "runs/get", url.Values{"run_id": {id}}, nil, &answer)
		if refused := new(StatusError); errors.As(err, &refused) && refused.Status == http.StatusNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		parent := answer.Run.run()
		if answer.Run.Info.Stage == deletedStage || !parent.has(tags) {
			continue
		}
		all, queue = append(all, parent), append(queue, parent)
	}
	return all, nil
}

// has reports whether the run has all of the tags.
func (r *Run) has(tags map[string]string) bool {
	for name, value := range tags {
		if r.Tags[name] != value {
			return false
		}
	}
	return true
}
