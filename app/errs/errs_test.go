package errs_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"vitrine/app/errs"
)

func TestForeignErrorsAreInternalAndSilent(t *testing.T) {
	err := fmt.Errorf("read row: %w", errors.New("pq: password authentication failed"))
	if errs.KindOf(err) != errs.Internal || strings.Contains(errs.Message(err), "pq") {
		t.Fatalf("%s %q", errs.KindOf(err), errs.Message(err))
	}
	if errs.KindOf(nil) != "" {
		t.Fatal("nil has a kind")
	}
}

func TestOursSurviveWrapping(t *testing.T) {
	err := fmt.Errorf("reserve: %w", errs.New(errs.Conflict, "Only %d left.", 2))
	if errs.KindOf(err) != errs.Conflict || errs.Message(err) != "Only 2 left." {
		t.Fatalf("%s %q", errs.KindOf(err), errs.Message(err))
	}
}

func TestAFormKeepsTheFirstMessageOfEachField(t *testing.T) {
	var f errs.Form
	if f.Err() != nil {
		t.Fatal("an empty form is an error")
	}
	f.Add("price", "Give a price.")
	f.Add("price", "Too low.")
	f.Add("name", "Give a name.")
	got := errs.Fields(f.Err())
	if len(got) != 2 || got[0].Text() != "Give a price." || got[1].Name != "name" {
		t.Fatalf("%+v", got)
	}
}
