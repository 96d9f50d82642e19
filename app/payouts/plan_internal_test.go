package payouts

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// zones with a summer time, one without, and one whose clocks once went over midnight.
var zones = []string{"Europe/Berlin", "America/New_York", "Pacific/Auckland", "Asia/Tokyo", "America/Sao_Paulo", "UTC"}

func inZone(t *testing.T, name string, hour int) *Service {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return &Service{Zone: z, Hour: hour}
}

// Each date has one moment, on that date, at the hour or at the first instant after it; days follow each other.
func TestInvariant18EveryDateHasItsMoment(t *testing.T) {
	for _, name := range zones {
		for hour := range 24 {
			s := inZone(t, name, hour)
			last := time.Time{}
			for d := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < 2033; d = d.AddDate(0, 0, 1) {
				m := s.moment(d)
				local := m.In(s.Zone)
				if !s.dayOf(m).Equal(d) || local.Hour() < hour || local.Hour() > hour+1 {
					t.Fatalf("%s at %d h: the moment of %s is %s", name, hour, d.Format(date), local)
				}
				if gap := m.Sub(last); !last.IsZero() && (gap < 22*time.Hour || gap > 26*time.Hour) {
					t.Fatalf("%s at %d h: %s after the one before is %s", name, hour, gap, local)
				}
				if !s.latest(m).Equal(d) || !s.latest(m.Add(-time.Second)).Equal(d.AddDate(0, 0, -1)) {
					t.Fatalf("%s at %d h: %s is not the beginning of %s", name, hour, local, d.Format(date))
				}
				last = m
			}
		}
	}
}

func TestTheNextPayoutDay(t *testing.T) {
	for _, c := range []struct {
		zone string
		hour int
		plan Plan
		now  string
		want string
	}{
		{"Europe/Berlin", 6, Daily, "2028-02-28T12:00:00Z", "2028-02-29T05:00:00Z"},
		{"Europe/Berlin", 6, Monthly, "2028-02-29T23:30:00Z", "2028-03-01T05:00:00Z"},  // the first has begun in Berlin
		{"Europe/Berlin", 6, Monthly, "2028-03-01T05:00:00Z", "2028-04-01T04:00:00Z"},  // summer time
		{"America/New_York", 2, Daily, "2028-03-11T12:00:00Z", "2028-03-12T07:00:00Z"}, // two o'clock is left out
		{"Pacific/Auckland", 6, Monthly, "2028-01-31T16:59:00Z", "2028-01-31T17:00:00Z"},
		{"Pacific/Auckland", 6, Weekly, "2028-01-30T16:59:00Z", "2028-01-30T17:00:00Z"}, // Monday there
		{"UTC", 0, Monthly, "2028-12-31T23:59:59Z", "2029-01-01T00:00:00Z"},
	} {
		now, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		s := inZone(t, c.zone, c.hour)
		if got := s.next(c.plan, now).Format(time.RFC3339); got != c.want {
			t.Errorf("%s %s after %s: %s, want %s", c.zone, c.plan, c.now, got, c.want)
		}
	}
	if !inZone(t, "UTC", 6).next(Paused, time.Now()).IsZero() {
		t.Error("a paused plan pays")
	}
}

// diary is what the daily job knows of the days it has gone through, and what a creator got.
type diary struct {
	done map[day]bool
	paid map[day]int
}

// run is Run and runOne without the database.
func (x *diary) run(s *Service, p Plan, at time.Time) {
	d := s.latest(at)
	if x.done[d] {
		return
	}
	from := d.AddDate(0, 0, -1)
	best := time.Time{}
	for have := range x.done {
		if have.Before(d) && have.After(best) {
			best = have
		}
	}
	if !best.IsZero() {
		from = best
	}
	x.done[d] = true
	if p.within(from, d) {
		x.paid[d]++
	}
}

// Clocks jump back and forth and processes sleep for days: each day is run once, each due date is paid for once or made
// up for on the first day after, and a clock that was years ahead does not stop the days that follow.
func TestInvariant18TheScheduleSurvivesItsClock(t *testing.T) {
	n := 5000
	if os.Getenv("VITRINE_AUDIT") == "1" {
		n = 50_000
	}
	for i := range n {
		seed := rand.Uint64()
		if v, err := strconv.ParseUint(os.Getenv("VITRINE_SEED"), 10, 64); err == nil {
			seed = v
		}
		r := rand.New(rand.NewPCG(seed, 18))
		s := inZone(t, zones[i%len(zones)], r.IntN(24))
		p := []Plan{Daily, Weekly, Monthly}[r.IntN(3)]
		x := &diary{map[day]bool{}, map[day]int{}}
		// near a month's end, a leap day, or a change of the clocks
		near := []string{"2028-02-27", "2028-03-10", "2028-03-25", "2028-10-28", "2028-11-03", "2028-12-30", "2028-04-29"}[r.IntN(7)]
		at, err := time.Parse(date, near)
		if err != nil {
			t.Fatal(err)
		}
		x.run(s, p, at)
		begin := s.latest(at)
		for range 60 {
			at = at.Add(time.Duration(r.IntN(20)) * time.Hour)
			if r.IntN(15) == 0 {
				at = at.Add(time.Duration(r.IntN(9)) * 24 * time.Hour) // asleep
			}
			seen := at
			if r.IntN(4) == 0 {
				seen = at.Add([]time.Duration{-time.Hour, time.Hour, 25 * time.Hour, 31 * 24 * time.Hour, 400 * 24 * time.Hour}[r.IntN(5)])
			}
			x.run(s, p, seen)
		}
		x.run(s, p, at)
		if why := x.wrong(s, p, begin, s.latest(at)); why != "" {
			t.Fatalf("VITRINE_SEED=%d: %s %s at %d h: %s", seed, s.Zone, p, s.Hour, why)
		}
	}
}

// wrong: after begin every due date up to the end is covered by a day on which something was paid: itself, or a later one
// before the next that was run.
func (x *diary) wrong(s *Service, p Plan, begin, end day) string {
	for d, n := range x.paid {
		if n != 1 {
			return "paid " + strconv.Itoa(n) + " times on " + d.Format(date)
		}
	}
	for d := begin.AddDate(0, 0, 1); !d.After(end); d = d.AddDate(0, 0, 1) {
		if !p.due(d) {
			continue
		}
		by := d
		for !x.done[by] {
			if by = by.AddDate(0, 0, 1); by.After(end) {
				return d.Format(date) + " was never run"
			}
		}
		if x.paid[by] != 1 {
			return d.Format(date) + " was not paid for on " + by.Format(date)
		}
	}
	return ""
}
