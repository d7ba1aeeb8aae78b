# Completion for bash: verbs, then what the verb's own help lists, so that it is never out of date.
_passerelle() {
  local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} verbs="run init check explain what-if tunnels upgrade backend version help"
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word")
  elif [ "$verb" = help ]; then
    mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word")
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(passerelle "$verb" --help 2>/dev/null | grep -oE -- '--?[A-Za-z][A-Za-z-]*' | sort -u)" -- "$word")
  fi
}
complete -o default -o bashdefault -F _passerelle passerelle
