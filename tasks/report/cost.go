package report

import "fmt"

// Cost is an amount of money, or the reason why it is unknown.
type Cost struct {
	Amount   *float64 `json:"amount,omitempty"` // nil if it is unknown
	Currency string   `json:"currency"`
	Unknown  string   `json:"unknown,omitempty"`
}

// String formats the amount, such as "12.34 USD", or returns "unknown".
func (c *Cost) String() string {
	if c.Amount == nil {
		return "unknown"
	}
	return fmt.Sprintf("%.2f %s", *c.Amount, c.Currency)
}
