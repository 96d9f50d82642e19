package admin

import (
	"testing"
	"time"
)

// The day is the one whose hour has come last, in the instance's zone, also where clocks change at that hour.
func TestTheDayBeginsAtItsHour(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		hour      int
		now, want string
	}{
		{0, "2026-11-23T01:59:59Z", "2026-11-22"}, {0, "2026-11-23T02:00:00Z", "2026-11-23"}, {23, "2026-11-23T21:59:00Z", "2026-11-22"}, {23, "2026-11-23T22:00:00Z", "2026-11-23"},
		{0, "2027-03-28T00:59:00Z", "2027-03-27"}, {0, "2027-03-28T01:00:00Z", "2027-03-28"}, {2, "2027-10-31T00:30:00Z", "2027-10-31"}, {2, "2027-10-31T01:30:00Z", "2027-10-31"},
		{0, "2028-02-29T12:00:00Z", "2028-02-29"}, {0, "2028-03-01T01:00:00Z", "2028-02-29"}, {0, "2026-12-31T23:30:00Z", "2026-12-31"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := (&Service{Zone: berlin, Hour: c.hour}).day(now).Format(time.DateOnly); got != c.want {
			t.Errorf("%s, hour %d: %s, want %s", c.now, c.hour, got, c.want)
		}
	}
}
