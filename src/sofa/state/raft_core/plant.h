#pragma once
// Planted faults: mistakes that are made on purpose, one at a time, to see that the simulator finds them (docs/simulator.md). They are in the library
// sofa_state_raft_core_sim alone (SOFA_SIM), which only tests/sim links: everywhere else planted() is the constant false, and nothing is left of
// them.

#include <cstdint>

#ifdef SOFA_SIM
#include <optional>
#include <span>
#include <string_view>
#endif

namespace sofa::raft {

// X(name, what is wrong with it), by the place of the fault.
#define SOFA_RAFT_PLANTS(X)                                                                                                \
  /* term and vote */                                                                                                      \
  X(vote_not_persisted, "the vote is not saved, only the term")                                                            \
  X(term_saved_with_vote_only, "a new term is saved only together with a vote")                                            \
  X(vote_leaves_before_saved, "requests and answers do not wait until term and vote are saved")                            \
  /* elections */                                                                                                          \
  X(vote_twice, "who has voted votes for another one in the same term")                                                    \
  X(vote_without_log_check, "a candidate with a shorter log gets votes")                                                   \
  X(pre_votes_elect, "pre-votes are counted as votes")                                                                     \
  X(pre_vote_ignores_leader, "a pre-vote is given while the leader is heard")                                              \
  X(vote_ignores_leader, "a vote that nobody was told to ask for is given while the leader is heard")                      \
  X(lease_forgotten_at_start, "a node that has just started gives pre-votes while a lease may rest on it")                 \
  /* followers */                                                                                                          \
  X(old_leader_accepted, "entries of a leader of an older term are taken")                                                 \
  X(prev_term_not_checked, "the entry before a request's must be there, of whichever term")                                \
  X(commit_beyond_request, "the leader's commit index is taken for entries that the request does not vouch for")           \
  X(truncation_below_applied, "a request cuts away what is there, even when it is the same")                               \
  X(acknowledged_before_fsync, "a follower answers before its entries are durable")                                        \
  X(aba_ack, "a follower acknowledges entries that another leader has cut away meanwhile")                                 \
  X(flush_of_cut_entries_counts, "entries count as durable when those that they have replaced are")                        \
  X(apply_before_commit, "a follower applies whatever is durable")                                                         \
  /* leaders */                                                                                                            \
  X(commit_by_counting_old_terms, "entries of older terms are committed by counting their copies")                         \
  X(leader_counts_itself_before_fsync, "a leader counts itself before its entries are durable")                            \
  X(learner_counts_for_quorum, "learners count as voters when entries are committed")                                      \
  X(stale_pipeline_epoch, "an answer to a request of before an error counts for the first one that is under way")          \
  X(match_is_what_was_sent, "an answer confirms everything that was sent")                                                 \
  X(probe_answer_is_match, "the last index of a peer that answers a probe counts as confirmed")                            \
  X(installed_is_match, "a peer that has taken a snapshot counts as having the whole log")                                 \
  X(lost_probe_not_retried, "a request that fails is not sent again")                                                      \
  X(window_ignored, "requests under way to one peer are without a bound")                                                  \
  X(cache_without_bound, "entries stay in memory however much there is")                                                   \
  X(goes_on_after_failure, "a node whose disk has failed goes on")                                                         \
  /* reads */                                                                                                              \
  X(lease_from_answers_time, "the lease counts from when a heartbeat's answer came, not from when the heartbeat was sent") \
  X(lease_longer_than_timeout, "the lease is longer than the election timeout")                                            \
  X(lease_by_an_old_clock, "the lease is judged by the time of the last check of the peers")                               \
  X(lease_after_timeout_now, "a leader that has told another one to campaign still counts on its lease")                   \
  X(lease_while_transferring, "a leader that hands over serves reads by its lease")                                        \
  X(read_without_own_term_entry, "a new leader serves reads before an entry of its term is committed")                     \
  X(read_without_round, "a leader serves reads without asking whether it still leads")                                     \
  X(read_context_reused, "a read joins the round that is under way")                                                       \
  X(read_not_awaited, "a follower does not wait for the index that the leader has told")                                   \
  X(reads_dropped, "reads that wait when a leader steps down are forgotten")                                               \
  /* members */                                                                                                            \
  X(joint_quorum_of_new_only, "while two configurations decide together, the new one alone is asked")                      \
  X(single_step_change, "members change from one configuration to another without a joint one")                            \
  X(stable_before_joint_committed, "the new configuration follows before the joint one is committed")                      \
  X(second_change_accepted, "a change of members begins while another one is under way")                                   \
  X(catch_up_skipped, "new voters count before they have caught up")                                                       \
  X(members_not_rolled_back, "members of an entry that was cut away stay")                                                 \
  X(followers_keep_old_members, "followers go by the members that they have started with")                                 \
  /* snapshots, records */                                                                                                 \
  X(snapshot_meta_without_joint, "a snapshot within a change of members names the new ones only")                          \
  X(record_without_joint, "the record of a joint configuration names the new members only")                                \
  X(install_over_newer_state, "a snapshot that is older than the node's own is loaded")                                    \
  X(install_keeps_log, "a log that differs from the snapshot stays when that is loaded")                                   \
  X(snapshot_term_of_now, "a snapshot that is loaded counts as of the current term")                                       \
  X(reset_forgotten_at_start, "a log that a snapshot was to replace is used after a crash in between")                     \
  X(term_lost_at_compaction, "the term of the entries at the log's beginning is forgotten when it is shortened")           \
  /* what a node does around its core (tests/sim) */                                                                       \
  X(state_saved_before_sync, "term and vote are reported as saved when they are written, not when they are synced")        \
  X(log_saved_before_sync, "entries are reported as saved when they are written, not when they are synced")                \
  X(fsync_error_ignored, "a failed fsync is taken for a success")                                                          \
  X(log_reset_before_snapshot_named, "the log is emptied before the snapshot that replaces it is named")                   \
  X(snapshot_not_synced, "a snapshot is named before its files are durable")                                               \
  X(snapshot_behind_its_index, "a snapshot is said to hold one entry more than it does")                                   \
  X(session_forgotten_in_snapshot, "a snapshot holds no sessions, so that a repeated request is applied again")            \
  X(duplicate_apply, "the first entry after a snapshot is applied twice")                                                  \
  X(local_reads_go_back, "a read of what a node has now and then sees its last snapshot instead")

enum class Plant : uint8_t {
  none,
#define SOFA_RAFT_PLANT(name, what) name,
  SOFA_RAFT_PLANTS(SOFA_RAFT_PLANT)
#undef SOFA_RAFT_PLANT
};

#ifdef SOFA_SIM

struct PlantInfo {
  Plant plant{};
  std::string_view name{}, what{};
};
/// All of them but `none`.
std::span<const PlantInfo> plants();
std::optional<Plant> plant_named(std::string_view name);

/// The fault that is in force, one for the whole program: a simulation has one thread, and what is broken is not to be passed through what is sound.
inline Plant the_plant = Plant::none;
inline bool planted(Plant plant) { return the_plant == plant; }

#else

constexpr bool planted(Plant) { return false; }

#endif

}  // namespace sofa::raft
