package keystore

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// makeRoom has the kernel back the memory that is allocated next by huge pages
// (madvise(2), MADV_HUGEPAGE). Handing out 64 MiB in small ones takes a fresh
// process as long as argon2id itself: 270 ms against 145 ms in all. The Go
// runtime takes up again the addresses that are given back here; where it does
// not, or the kernel will not, nothing is lost but that time.
func makeRoom(bytes int) {
	room := make([]byte, bytes)
	_ = unix.Madvise(room, unix.MADV_HUGEPAGE)
	room = nil
	runtime.GC()
}
