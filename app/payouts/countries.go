package payouts

import (
	"context"
	"slices"
	"strings"

	"vitrine/views/text"
	"vitrine/views/ui"
)

// countryNames are where Stripe opens Express accounts.
var countryNames = map[string]string{
	"AU": "Australia", "AT": "Austria", "BE": "Belgium", "BR": "Brazil", "BG": "Bulgaria", "CA": "Canada", "HR": "Croatia", "CY": "Cyprus", "CZ": "Czechia",
	"DK": "Denmark", "EE": "Estonia", "FI": "Finland", "FR": "France", "DE": "Germany", "GI": "Gibraltar", "GR": "Greece", "HK": "Hong Kong", "HU": "Hungary",
	"IE": "Ireland", "IT": "Italy", "JP": "Japan", "LV": "Latvia", "LI": "Liechtenstein", "LT": "Lithuania", "LU": "Luxembourg", "MY": "Malaysia", "MT": "Malta",
	"MX": "Mexico", "NL": "Netherlands", "NZ": "New Zealand", "NO": "Norway", "PL": "Poland", "PT": "Portugal", "RO": "Romania", "SG": "Singapore",
	"SK": "Slovakia", "SI": "Slovenia", "ES": "Spain", "SE": "Sweden", "CH": "Switzerland", "TH": "Thailand", "AE": "United Arab Emirates",
	"GB": "United Kingdom", "US": "United States",
}

// countryName is a country in words; its code when we have none.
func countryName(ctx context.Context, code string) string {
	if n, ok := countryNames[strings.ToUpper(code)]; ok {
		return text.T(ctx, n)
	}
	return code
}

// countries are the choices of a form, by name.
func countries(ctx context.Context, chosen string) []ui.Option {
	out := make([]ui.Option, 0, len(countryNames)+1)
	for code := range countryNames {
		out = append(out, ui.Option{Value: code, Label: countryName(ctx, code), Selected: strings.EqualFold(code, chosen)})
	}
	slices.SortFunc(out, func(a, b ui.Option) int { return strings.Compare(a.Label, b.Label) })
	return append([]ui.Option{{Label: text.T(ctx, "Choose a country")}}, out...)
}
