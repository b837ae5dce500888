// The buttons and switches of groups, in our own dress.
import type { ActionWithRulesProps, CombinatorSelectorProps, NotToggleProps, ShiftActionsProps } from "react-querybuilder";
import { Icon, type IconName } from "../ui/icon";
import { DragHandle } from "./drag";

function Combinator({ value, handleOnChange, path, disabled }: CombinatorSelectorProps) {
  return (
    <>
      {path.length > 0 && <DragHandle path={path} />}
      <span className="segmented" role="group" aria-label="Users match">
        <button type="button" aria-pressed={value === "and"} disabled={disabled} onClick={() => handleOnChange("and")}>All of</button>
        <button type="button" aria-pressed={value === "or"} disabled={disabled} onClick={() => handleOnChange("or")}>Any of</button>
      </span>
    </>
  );
}

function Not({ checked, handleOnChange, disabled }: NotToggleProps) {
  return <button type="button" className="toggle" aria-pressed={!!checked} disabled={disabled} title="Everybody else" onClick={() => handleOnChange(!checked)}>not</button>;
}

const action = (icon: IconName) =>
  function Action({ handleOnClick, title, disabled }: ActionWithRulesProps) {
    return <button type="button" className="rq-action" aria-label={title} title={title} disabled={disabled} onClick={(e) => handleOnClick(e)}><Icon name={icon} size={14} /></button>;
  };

const add = (of: "rule" | "group") =>
  function Add({ handleOnClick, title, disabled, context }: ActionWithRulesProps) {
    return <button type="button" className="button small add" title={title} disabled={disabled} onClick={(e) => handleOnClick(e)}><Icon name="plus" size={13} />{of === "rule" ? ((context as { addLabel?: string })?.addLabel ?? "Condition") : "Group"}</button>;
  };

function Mute({ handleOnClick, title, disabled, ruleOrGroup, path }: ActionWithRulesProps) {
  if (path.length === 0) return null;
  const muted = !!ruleOrGroup.muted;
  return <button type="button" className="rq-action" aria-pressed={muted} aria-label={title} title={title} disabled={disabled} onClick={(e) => handleOnClick(e)}><Icon name={muted ? "off" : "eye"} size={14} /></button>;
}

function Shift({ shiftUp, shiftDown, shiftUpDisabled, shiftDownDisabled }: ShiftActionsProps) {
  if (shiftUpDisabled && shiftDownDisabled) return null;
  return (
    <span className="rq-shift">
      <button type="button" className="rq-action" aria-label="Move up" title="Move up" disabled={shiftUpDisabled} onClick={(e) => shiftUp?.(e)}><Icon name="up" size={14} /></button>
      <button type="button" className="rq-action" aria-label="Move down" title="Move down" disabled={shiftDownDisabled} onClick={(e) => shiftDown?.(e)}><Icon name="down" size={14} /></button>
    </span>
  );
}

export const controls = {
  combinatorSelector: Combinator, notToggle: Not, addRuleAction: add("rule"), addGroupAction: add("group"), removeRuleAction: action("x"), removeGroupAction: action("x"),
  cloneRuleAction: action("copy"), cloneGroupAction: action("copy"), muteRuleAction: Mute, muteGroupAction: Mute, shiftActions: Shift,
};
