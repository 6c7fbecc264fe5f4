package config

import "hash/maphash"

// An index finds sections by name: a hash table with open addressing, in a
// quarter of the memory that a map takes. Memory is what a short process pays
// for most.
type index []int32 // numbers of sections, counted from 1; the length is a power of two

var seed = maphash.MakeSeed()

// indexSections makes the index, and links the sections of one kind and name.
func indexSections(sections []section) index {
	size := 8
	for size < 2*len(sections) {
		size *= 2
	}
	x := make(index, size)
	for i := range sections {
		s := &sections[i]
		if s.kind == sectionIgnored {
			continue
		}
		slot := x.slot(sections, s.kind, s.name)
		s.prev = int(*slot) - 1
		*slot = int32(i + 1)
	}
	return x
}

// last returns the number of the last section of that kind and name, or -1.
func (x index) last(sections []section, kind sectionKind, name string) int {
	return int(*x.slot(sections, kind, name)) - 1
}

// slot returns where the number of the section stands, or would stand.
func (x index) slot(sections []section, kind sectionKind, name string) *int32 {
	for h := maphash.String(seed, name) + uint64(kind); ; h++ {
		slot := &x[h%uint64(len(x))]
		if *slot == 0 {
			return slot
		}
		if s := &sections[*slot-1]; s.kind == kind && s.name == name {
			return slot
		}
	}
}
