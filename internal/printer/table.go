package printer

import (
	"slices"
	"strings"

	"github.com/slipway-ci/slipway/internal/lazyregexp"
)

const (
	// gap is the number of spaces between two columns.
	gap = 2
	// narrow is the width to which a column is cut first. slim is the width to which it is
	// cut if the table is still too wide.
	narrow, slim = 8, 4
)

// column is a column of a table. If the page is too narrow, the least important columns
// are cut first, with an ellipsis.
type column struct {
	title string
	// cut is the order in which columns are cut, from 1. A column with 0 is never cut, as
	// users copy its cells or it is short.
	cut int
	// below is set if a terminal that is too narrow shows the cells below their rows, whole.
	// If the output is not a terminal the cells stay in their rows and are not cut, as
	// programs read them.
	below bool
	// spare is the order in which columns are left out if the table is still too wide, from
	// 1. A column with 0 is never left out.
	spare int

	width       int
	gone, loose bool
}

// table aligns rows. It leaves out columns that are empty in every row.
type table struct {
	page    *page
	indent  string
	columns []column
	rows    [][]string
	// status is the index of the column with statuses, or negative if there is none.
	status int
}

func (p *page) table(columns ...column) *table {
	for n := range columns {
		columns[n].title = EscapeLine(columns[n].title)
	}
	return &table{page: p, columns: columns, status: slices.IndexFunc(columns, func(c column) bool { return strings.EqualFold(c.title, "status") })}
}

func (t *table) row(cells ...string) {
	for n, cell := range cells {
		cells[n] = EscapeLine(cell)
	}
	t.rows = append(t.rows, cells)
}

// end writes the table.
func (t *table) end() {
	below, spared := t.fit()
	titles := make([]string, len(t.columns))
	for n, c := range t.columns {
		titles[n] = c.title
	}
	t.write(titles, "")
	for _, row := range t.rows {
		color := ""
		if t.status >= 0 {
			color = failed(row[t.status])
		}
		t.write(row, color)
		for n := range t.columns {
			if slices.Contains(below, n) && row[n] != "" {
				for _, line := range wrap(row[n], t.page.Columns-columns(t.indent)-gap) {
					t.page.line("%s  %s", t.indent, line)
				}
			}
		}
	}
	if len(spared) > 0 {
		note := "(hidden: " + strings.Join(spared, ", ") + "; -o json has all)"
		if columns(t.indent+note) > t.page.Columns {
			note = "(hidden: " + Count(len(spared), "column") + "; -o json has all)"
		}
		t.page.line("%s%s", t.indent, note)
	}
}

// fit sets the widths of the columns. It returns the indexes of the columns whose cells
// are below their rows, and the titles of those that are left out.
func (t *table) fit() (below []int, spared []string) {
	most := t.page.Columns - columns(t.indent)
	for n := range t.columns {
		c := &t.columns[n]
		for _, row := range t.rows {
			c.width = max(c.width, columns(row[n]))
		}
		if c.gone = c.width == 0; !c.gone {
			c.width = max(c.width, columns(c.title))
		}
	}
	if t.total() <= most {
		return nil, nil
	}
	for n := range slices.Backward(t.columns) {
		switch c := &t.columns[n]; {
		case !c.below, c.gone, t.least() <= most:
		case t.page.terminal:
			c.gone, below = true, append([]int{n}, below...)
		default:
			c.loose = true
		}
	}
	t.shrink(most, narrow)
	for turn := 1; turn <= len(t.columns); turn++ {
		for n := range t.columns {
			if c := &t.columns[n]; c.spare == turn && !c.gone && t.total() > most {
				c.gone, spared = true, append(spared, c.title)
			}
		}
	}
	t.shrink(most, slim)
	return below, spared
}

// total returns the width of the table.
func (t *table) total() int {
	sum := -gap
	for _, c := range t.columns {
		if !c.gone && !c.loose {
			sum += c.width + gap
		}
	}
	return sum
}

// least returns the width of the table if all columns are cut to narrow.
func (t *table) least() int {
	sum := -gap
	for n, c := range t.columns {
		if !c.gone && !c.loose {
			sum += t.floor(n, narrow) + gap
		}
	}
	return sum
}

// shrink cuts columns in the order of cut, each down to least, until the table fits.
func (t *table) shrink(most, least int) {
	for turn := 1; turn <= len(t.columns); turn++ {
		for n := range t.columns {
			if c := &t.columns[n]; c.cut == turn && !c.gone {
				c.width = max(min(c.width, t.floor(n, least)), c.width-max(0, t.total()-most))
			}
		}
	}
}

// floor returns the width that column n may be cut to. A number is never cut.
func (t *table) floor(n, least int) int {
	c := &t.columns[n]
	if c.cut == 0 {
		return c.width
	}
	numbers := 0
	for _, row := range t.rows {
		if figure.MatchString(row[n]) {
			numbers = max(numbers, columns(row[n]))
		}
	}
	return min(c.width, max(least, numbers))
}

var figure = lazyregexp.New(`^[-+]?[0-9.]+(e[-+]?[0-9]+)?$`)

// write writes one row with its status in the given colour.
func (t *table) write(cells []string, color string) {
	var b strings.Builder
	for n, c := range t.columns {
		if c.gone {
			continue
		}
		cell := clip(cells[n], c.width)
		space := strings.Repeat(" ", c.width-columns(cell)+gap)
		if n == t.status {
			cell = t.page.paint(color, cell)
		}
		b.WriteString(cell + space)
	}
	t.page.WriteString(t.indent + strings.TrimRight(b.String(), " ") + "\n")
}
