-- A call leaves its conversations: lua im_leave.lua UUID. im_join.lua has it run when the call ends.

local im = dofile(freeswitch.getGlobalVariable("script_dir") .. "/im.lua")
im.tell("leave", { Kind = "channel", Call = argv[1] })
