package cmd

import (
	"io"
	"time"

	"github.com/shellvault/vault/config"
)

// guardJSON is what stands in the way of a profile's credentials, and bounds
// them; a part of explain --json.
type guardJSON struct {
	Protected   bool   `json:"protected"`
	Asks        string `json:"asks,omitempty"` // what a person is asked for at each use
	MaxDuration int    `json:"max_duration_seconds,omitempty"`
	ReadOnly    bool   `json:"read_only,omitempty"`
	AccountID   string `json:"account_id,omitempty"`
}

// explainGuard returns the guard rails of a profile, nil if it has none.
func explainGuard(s config.ProfileSettings) *guardJSON {
	g := guardJSON{Protected: s.Protected, MaxDuration: int(s.MaxDuration / time.Second), ReadOnly: s.ReadOnly, AccountID: s.AccountID}
	if g == (guardJSON{}) {
		return nil
	}
	if s.Protected {
		g.Asks = "the profile's name"
	}
	return &g
}

func (g *guardJSON) print(w io.Writer, paint painter) {
	if g == nil {
		return
	}
	table := [][]string{{"GUARD", "VALUE", "WHAT IT DOES"}}
	if g.Protected {
		table = append(table, []string{"protected", "true", "asks: the profile's name, with each use, exec and export"})
	}
	if g.MaxDuration > 0 {
		from := "from each use on"
		if g.Protected {
			from = "from then on"
		}
		table = append(table, []string{"max_duration", brief(time.Duration(g.MaxDuration) * time.Second), from + ": then the shell leaves, and nothing is renewed"})
	}
	if g.ReadOnly {
		table = append(table, []string{"read_only", "true", "the role is assumed with AWS's policy ReadOnlyAccess"})
	}
	if g.AccountID != "" {
		table = append(table, []string{"account_id", g.AccountID, "AWS is asked for the account of each new session (GetCallerIdentity)"})
	}
	_, _ = io.WriteString(w, "\n")
	_ = printTable(w, table, func(row, column int, cell string) string {
		switch {
		case row == 0:
			return paint.faint(cell)
		case column == 2 && table[row][0] == "protected":
			return paint.yellow(cell)
		case column == 2:
			return paint.faint(cell)
		}
		return cell
	})
}
