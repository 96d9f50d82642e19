package importer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"vitrine/app"
	"vitrine/app/config"
	"vitrine/app/db/dbtest"
	"vitrine/app/id"
	"vitrine/app/importer"
	"vitrine/app/storefronts"
)

// order is what a victim is told to take.
type order struct {
	Config config.Config
	Key    string
	S3     string
	User   id.User
	Shop   id.Shop
	Import id.Import
	Choice importer.Choice
}

// victim takes an import, and is killed on the way.
func victim() int {
	var o order
	if err := json.Unmarshal([]byte(os.Getenv("IMPORT_VICTIM")), &o); err != nil {
		return complain(err)
	}
	o.Config.SecretKey, o.Config.AWSSecretAccessKey = config.Secret(o.Key), config.Secret(o.S3)
	o.Config.SMTPURL = config.Secret(os.Getenv("IMPORT_SMTP"))
	a, err := app.New(context.Background(), &o.Config)
	if err != nil {
		return complain(err)
	}
	if err := a.Importer.Take(context.Background(), storefronts.Who{User: o.User, Shop: o.Shop}, o.Import, o.Choice); err != nil {
		return complain(err)
	}
	return 0
}

func complain(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// A process that is killed before the commit leaves the old window; killed right after it, the new one, whole. Asked
// again, it is the new one, once.
func TestAKillLeavesTheOldWindowOrTheNew(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "importer.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-tags", "failpoint", "-o", binary, "./app/importer")
	build.Dir = dbtest.Root()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the victim: %v\n%s", err, out)
	}
	b := newBench(t)
	for at, survives := range map[string]bool{"importer.take.before_commit": false, "importer.take.after_commit": true} {
		c := b.Creator()
		b := &bench{b.World, b.site, c, storefronts.Who{User: c.User, Shop: c.Shop.ID}, b.s}
		o := b.read(t, b.site.put("/"+c.Slug, workshop))
		before, goods := b.window(t), len(b.goods(t))
		b.die(t, binary, at, o)
		got, more := b.window(t), len(b.goods(t))
		if survives != (len(got) == 7) || survives != (more == goods+1) || !survives && !slices.Equal(got, before) {
			t.Errorf("killed at %s the window is %q with %d products", at, got, more)
		}
		b.take(t, o, all(o))
		if got := b.window(t); len(got) != 7 || len(b.goods(t)) != goods+1 {
			t.Errorf("killed at %s and asked again, the window is %q", at, got)
		}
	}
}

func (b *bench) die(t *testing.T, binary, failpoint string, o importer.Outlook) {
	t.Helper()
	raw, err := json.Marshal(order{*b.Config, b.Config.SecretKey.Reveal(), b.Config.AWSSecretAccessKey.Reveal(), b.who.User, b.who.Shop, o.Import.ID, all(o)})
	if err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(t.TempDir(), "mark")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), "IMPORT_VICTIM="+string(raw), "IMPORT_SMTP="+b.Config.SMTPURL.Reveal(), "VITRINE_FAILPOINT="+failpoint, "VITRINE_FAILPOINT_MARK="+mark)
	out, _ := cmd.CombinedOutput()
	reached, _ := os.ReadFile(mark)
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if string(reached) != failpoint || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("never came to %s: %q\n%s", failpoint, reached, out)
	}
}
