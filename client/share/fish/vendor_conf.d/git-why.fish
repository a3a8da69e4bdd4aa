# fish 3.6 asks for git-git-why where it means git-why; later ones find the completions of git-why by themselves.
complete -c git -f -n '__fish_git_using_command why' -a '(__fish_git_complete_custom_command why)'
