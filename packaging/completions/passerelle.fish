# Completion for fish: verbs, then what the verb's own help lists.
set -l verbs run init check explain what-if tunnels upgrade backend version help
complete -c passerelle -n "not __fish_seen_subcommand_from $verbs" -f -a "$verbs"
for verb in $verbs
    complete -c passerelle -n "__fish_seen_subcommand_from $verb; and string match -q -- '-*' (commandline -ct)" -a "(passerelle $verb --help 2>/dev/null | string match -ra -- '--?[A-Za-z][A-Za-z-]*' | sort -u)"
end
