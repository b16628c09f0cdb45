// Package crash names the places in the code where a process may die, so that tests can make it die exactly there
// (failures.md 3.1 and 4.3). Without the build tag faultpoints every call is empty and costs nothing; shipped programs
// are built without it, and a test proves that they cannot be told to crash. With the tag the environment decides:
//
//	MLC_CRASH=wr.before_confirm:3      the process kills itself when it comes to that point the third time
//	MLC_CRASH=delay:wr.job_poll:50ms   it waits there every time
//	MLC_CRASH=rand:42:0.001            at every point it dies with that probability, from that seed
//	MLC_BUG=overlap-zero               the deliberate mistake of that name is made (failures.md 4.9)
//
// Several settings are separated by commas. A setting that cannot be understood ends the process at the first point.
package crash
