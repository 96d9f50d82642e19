package embedded

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// identity is how Postgres runs when we are root, which it refuses to be: as uid 1000 of a user namespace in which
// root's files stay root's, or as nobody where namespaces are forbidden. The zero identity is ourselves.
type identity struct {
	namespace bool
	nobody    bool
	uid, gid  int // of nobody
}

func (i identity) attr() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{}
	switch {
	case i.namespace:
		sameFilesOtherUID(a)
	case i.nobody:
		a.Credential = &syscall.Credential{Uid: uint32(i.uid), Gid: uint32(i.gid)}
	}
	return a
}

// elsewhere is the file that says where the cluster lies when it could not lie here (moveToTemp).
func (p *Postgres) elsewhere() string { return filepath.Join(p.home, "elsewhere") }

// chooseIdentity finds an identity under which the programs run. VITRINE_PG_MODE=nobody leaves out the namespace.
func (p *Postgres) chooseIdentity() error {
	if os.Geteuid() != 0 {
		return nil
	}
	if err := p.followMove(); err != nil {
		return err
	}
	st, err := os.Stat(p.dir)
	if err != nil {
		return err
	}
	if owner := ownerOf(st); owner != 0 && !isNobody(owner) {
		return ownedBy(p.dir, owner)
	}
	if runtime.GOOS == "linux" && os.Getenv("VITRINE_PG_MODE") != "nobody" {
		p.identity = identity{namespace: true}
		if err := p.settleDir(); err != nil { // nobody may have had it the last time
			return err
		}
		out, err := p.command("postgres", "--version").CombinedOutput()
		if err == nil {
			return nil
		}
		slog.Debug("no user namespace for Postgres: it runs as nobody", "err", err, "output", string(out))
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return fmt.Errorf("Postgres refuses to run as root, and there is no user \"nobody\" to run it as: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	p.identity = identity{nobody: true, uid: uid, gid: gid}
	if err := os.Lchown(p.dir, uid, gid); err != nil {
		return err
	}
	if p.command("postgres", "--version").Run() == nil {
		return nil
	}
	return p.moveToTemp()
}

func (p *Postgres) followMove() error {
	b, err := os.ReadFile(p.elsewhere())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	dir := strings.TrimSpace(string(b))
	if want := filepath.Join(p.copyDir(), "cluster"); dir != want {
		return fmt.Errorf("%s was copied or moved from where it was made, and its Postgres data lies in %s. For that data: mv %s/data %s/data and remove %s. To begin with an empty one: remove %s",
			p.home, dir, dir, p.home, p.elsewhere(), p.elsewhere())
	}
	if _, err := os.Stat(dir); err != nil {
		slog.Warn("the local Postgres data is gone: starting with an empty one", "was", dir)
		return os.Remove(p.elsewhere())
	}
	p.dir = dir
	return nil
}

// copyDir is where a copy goes, named by the folder it stands for.
func (p *Postgres) copyDir() string {
	return filepath.Join("/var/tmp", fmt.Sprintf("vitrine-pg-%x", sha256.Sum256([]byte(p.home)))[:len("vitrine-pg-")+12])
}

// moveToTemp works from a copy in /var/tmp, because nobody may not enter the checkout (below /root, say). A cluster
// that is here already goes along.
func (p *Postgres) moveToTemp() error {
	base := p.copyDir()
	if err := os.Mkdir(base, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	st, err := os.Lstat(base)
	if err != nil {
		return err
	}
	if !st.IsDir() || ownerOf(st) != 0 || st.Mode().Perm()&0o022 != 0 { // /var/tmp is everybody's
		return fmt.Errorf("%s is not a folder of root's alone: remove it", base)
	}
	cluster := filepath.Join(base, "cluster")
	if err := os.MkdirAll(cluster, 0o700); err != nil {
		return err
	}
	if err := p.moveData(cluster); err != nil {
		return err
	}
	p.dir = cluster
	if err := os.Lchown(p.dir, p.identity.uid, p.identity.gid); err != nil {
		return err
	}
	if p.command("postgres", "--version").Run() != nil {
		if err := p.moveBinaries(filepath.Join(base, "native")); err != nil {
			return err
		}
	}
	if err := os.Lchown(p.home, 0, 0); err != nil {
		return err
	}
	return writeFile(p.elsewhere(), []byte(cluster+"\n"))
}

// moveBinaries makes a copy that belongs to nobody, whatever the modes of the original.
func (p *Postgres) moveBinaries(to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	if err := copyTree(filepath.Dir(p.bin), to); err != nil {
		return err
	}
	if err := p.identity.own(to); err != nil {
		return err
	}
	p.bin = filepath.Join(to, "bin")
	if out, err := p.command("postgres", "--version").CombinedOutput(); err != nil {
		return fmt.Errorf("Postgres does not run as nobody either: %w: %s", err, out)
	}
	return nil
}

func (p *Postgres) moveData(cluster string) error {
	here, there := p.data(), filepath.Join(cluster, "data")
	if here == there {
		return nil
	}
	if _, err := os.Stat(here); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if err := os.RemoveAll(there); err != nil { // half of an earlier try: elsewhere would name a whole one
		return err
	}
	if err := os.Mkdir(there, 0o700); err != nil {
		return err
	}
	if err := copyTree(here, there); err != nil {
		return err
	}
	return os.Rename(here, here+"-before-move")
}

func copyTree(from, to string) error {
	if out, err := exec.Command("cp", "-a", "--", from+"/.", to).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s to %s: %w: %s", from, to, err, out)
	}
	return nil
}

// settleOwner gives the cluster to whom the server runs as. Root hands it to and fro between itself and nobody;
// what is another person's stays theirs.
func (p *Postgres) settleOwner() error {
	st, err := os.Stat(p.data())
	if errors.Is(err, fs.ErrNotExist) {
		return p.settleDir()
	}
	if err != nil {
		return err
	}
	owner, want := ownerOf(st), os.Geteuid()
	if p.identity.nobody {
		want = p.identity.uid
	}
	if owner == want {
		return p.settleDir()
	}
	if os.Geteuid() != 0 || (owner != 0 && !isNobody(owner)) {
		return ownedBy(p.data(), owner)
	}
	if err := p.settleDir(); err != nil {
		return err
	}
	return p.identity.own(p.data())
}

// own gives a tree to the identity. The uid and gid of one that is not nobody are root's: 0.
func (i identity) own(tree string) error {
	return filepath.WalkDir(tree, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, i.uid, i.gid)
	})
}

// settleDir is the folder around the data.
func (p *Postgres) settleDir() error {
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Lchown(p.dir, p.identity.uid, p.identity.gid)
}

func isNobody(uid int) bool {
	u, err := user.Lookup("nobody")
	return err == nil && u.Uid == strconv.Itoa(uid)
}
