package lint

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
	"github.com/slipway-ci/slipway/internal/polyaxonfile/file"
)

func scheduleRules() []Rule {
	return []Rule{
		{Name: "bad-cron", Severity: file.SeverityError, Stage: file.StageCompile, check: badCron,
			Summary: "Invalid cron expression",
			Help:    "The server takes the operation, and its run fails with \"Compiler received an unexpected error\". A cron expression has five fields: minute, hour, day of the month, month, day of the week."},
		{Name: "empty-schedule", Severity: file.SeverityError, Stage: file.StageRun, check: emptySchedule,
			Summary: "A schedule that ends before it starts",
			Help:    "`endAt` is before `startAt`: the schedule never starts a run."},
	}
}

func (u unit) schedule() (map[string]any, []string) {
	if s := mapping(u.operation["schedule"]); s != nil {
		return s, extend(u.operationPath, "schedule")
	}
	return mapping(u.component["schedule"]), extend(u.path, "schedule")
}

func badCron(p *pass) {
	schedule, path := p.schedule()
	expression, ok := schedule["cron"].(string)
	if !ok || templated(expression) {
		return
	}
	if why := cron(expression); why != "" {
		p.value(extend(path, "cron"), "minute, hour, day of the month, month, day of the week; every day at 3: 0 3 * * *", "invalid cron expression %q: %s", shortened(expression), why)
	}
}

var cronField = lazyregexp.New(`^(\*|\?|[\dA-Za-z]+(?:-[\dA-Za-z]+)?|[Ll])(?:/(\d+))?$`)

// cron returns what is wrong with a cron expression, or "" when it is valid.
func cron(expression string) string {
	if strings.HasPrefix(expression, "@") {
		switch expression {
		case "@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually", "@midnight":
			return ""
		}
		return "use @hourly, @daily, @weekly, @monthly or @yearly"
	}
	fields := strings.Fields(expression)
	if len(fields) != 5 {
		return fmt.Sprintf("it has %d fields, not 5", len(fields))
	}
	bounds := []struct {
		name      string
		low, high int
		words     string
	}{
		{"minute", 0, 59, ""}, {"hour", 0, 23, ""}, {"day of the month", 1, 31, ""},
		{"month", 1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"}, {"day of the week", 0, 7, "sun mon tue wed thu fri sat"},
	}
	for i, field := range fields {
		b := bounds[i]
		for _, part := range strings.Split(field, ",") {
			m := cronField.FindStringSubmatch(part)
			if m == nil {
				return fmt.Sprintf("%s is not a valid %s", part, b.name)
			}
			if m[2] == "0" {
				return "the step must not be 0"
			}
			if m[1] == "*" || m[1] == "?" || strings.EqualFold(m[1], "l") {
				continue
			}
			before := -1
			for _, end := range strings.SplitN(m[1], "-", 2) {
				n, err := strconv.Atoi(end)
				if err != nil {
					n = indexOf(strings.Fields(b.words), strings.ToLower(end)) + b.low
				}
				if n < b.low || n > b.high || err != nil && n == b.low-1 {
					return fmt.Sprintf("%s is not a valid %s: use %d to %d", end, b.name, b.low, b.high)
				}
				if n < before {
					return fmt.Sprintf("%s ends before it starts", m[1])
				}
				before = n
			}
		}
	}
	return ""
}

func indexOf(words []string, word string) int {
	for i, w := range words {
		if w == word {
			return i
		}
	}
	return -1
}

func emptySchedule(p *pass) {
	schedule, path := p.schedule()
	start, a := instant(schedule["startAt"])
	end, b := instant(schedule["endAt"])
	if a && b && !end.After(start) {
		p.value(extend(path, "endAt"), "", "the schedule ends at %s, before it starts at %s", text(schedule["endAt"]), text(schedule["startAt"]))
	}
}

func instant(value any) (time.Time, bool) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.Parse(form, text(value)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
